import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { execaSync } from 'execa';
import { Account } from '../src/account';
import { cloudFormationService } from '../src/cloudformation';
import { RESOURCE_TYPES } from '../src/cloudformation/providers';
import { Iam } from '../src/iam';
import { Kms } from '../src/kms';
import { LogStore, logsService } from '../src/logs';
import type { ActionSpec, Shape } from '../src/protocol/spec';
import { SecretsManager } from '../src/secretsmanager';
import type { RpcService } from '../src/service';
import { Ssm } from '../src/ssm';
import { Sts } from '../src/sts';

/**
 * Writes what AWS's public API models say of the actions that local-aws has: `spec/actions.json`, with their inputs and errors,
 * `spec/inputs.ts`, with the types of the inputs, and `spec/resource-types.json`, with the properties of CloudFormation's types.
 *
 *     pip install botocore==1.44.8 && npx tsx local-aws/scripts/write-spec.ts
 */

/** The Python package whose service models the actions come from. */
export const BOTOCORE = '1.44.8';

const SPEC = path.join(__dirname, '../spec');
/** CDK's service specification, as the CDK CLI brings it. */
const CDK = require.resolve('aws-cdk/package.json');
const RESOURCE_DATABASE = path.join(path.dirname(CDK), 'db.json.gz');

interface Model {
  readonly operations: Readonly<
    Record<string, { readonly input?: { readonly shape: string }; readonly errors?: readonly { shape: string }[] }>
  >;
  readonly shapes: Readonly<Record<string, ModelShape>>;
}

interface ModelShape {
  readonly type: string;
  readonly required?: readonly string[];
  readonly members?: Readonly<Record<string, { readonly shape: string }>>;
  readonly member?: { readonly shape: string };
  readonly value?: { readonly shape: string };
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly sensitive?: boolean;
  readonly error?: { readonly code?: string; readonly httpStatusCode?: number };
  readonly fault?: boolean;
}

type Actions = Readonly<Record<string, ActionSpec>>;

/** The folder of botocore's models; undefined where this version of it is not installed. */
export function botocoreFolder(): string | undefined {
  const program = 'import botocore, os; print(botocore.__version__); print(os.path.dirname(botocore.__file__))';
  const { failed, stdout } = execaSync('python3', ['-c', program], { lines: true, reject: false });
  if (failed) return undefined;
  const [version, folder = ''] = stdout;
  return version === BOTOCORE ? path.join(folder, 'data') : undefined;
}

/** The files of the spec, by their names. */
export function specFrom(models: string): Readonly<Record<string, string>> {
  const services = Object.fromEntries(
    servedServices().map(({ name, actions }) => [name, actionsOf(modelOf(models, name), Object.keys(actions))]),
  );
  return {
    'actions.json': lines({ botocore: BOTOCORE, sha256: hashOf(services), services }, 3),
    'inputs.ts': inputTypes(services),
    'resource-types.json': resourceTypes(),
  };
}

/** What shows that nobody has changed the spec by hand. */
export function hashOf(services: unknown): string {
  return createHash('sha256').update(JSON.stringify(services)).digest('hex');
}

/** The services that local-aws has, for the names of their actions. */
export function servedServices(): readonly RpcService[] {
  const account = new Account({ accountId: '123456789012', region: 'us-east-1', partition: 'aws', now: Date.now });
  const iam = new Iam(account);
  const kms = new Kms(account);
  const nobody = async () => undefined;
  const lambda = {
    createFunction: async () => '',
    updateCode: nobody,
    updateConfiguration: nobody,
    deleteFunction: nobody,
    createAlias: () => '',
    deleteAlias: () => undefined,
    addPermission: () => undefined,
    removePermission: () => undefined,
    hasFunction: () => false,
    mayInvoke: () => false,
    invoke: async () => ({ kind: 'returned', payload: undefined }) as const,
    invokeAsync: () => '',
  };
  const scheduler = { put: () => '', delete: () => undefined };
  const { service } = cloudFormationService(account, {
    lambda,
    scheduler,
    readObject: () => Buffer.alloc(0),
    endpoint: () => '',
  });
  const logs = logsService(account, new LogStore(Date.now));
  return [
    iam,
    new Sts(account, iam.state),
    new SecretsManager(account, kms, lambda),
    kms,
    new Ssm(account),
    logs,
    service,
  ];
}

function modelOf(models: string, service: string): Model {
  const versions = readdirSync(path.join(models, service)).filter((name) => /^\d{4}-/.test(name));
  const newest = versions.sort().at(-1) ?? '';
  const file = path.join(models, service, newest, 'service-2.json.gz');
  return JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as Model;
}

function actionsOf({ operations, shapes }: Model, names: readonly string[]): Actions {
  const shapeOf = (name: string): Shape => {
    const {
      type,
      members,
      required = [],
      member,
      value,
      min,
      max,
      pattern,
      sensitive,
      ...shape
    } = shapes[name] ?? {
      type: name,
    };
    return {
      type: type as Shape['type'],
      ...(min ? { min } : {}),
      ...(max === undefined ? {} : { max }),
      ...(pattern === undefined ? {} : { pattern }),
      ...(shape.enum ? { enum: shape.enum } : {}),
      ...(sensitive ? { sensitive } : {}),
      ...(members ? { members: membersOf(members, required) } : {}),
      ...(member ? { member: shapeOf(member.shape) } : {}),
      ...(value ? { member: shapeOf(value.shape) } : {}),
    };
  };
  const membersOf = (members: NonNullable<ModelShape['members']>, required: readonly string[]) =>
    Object.fromEntries(
      Object.entries(members).map(([name, { shape }]) => [
        name,
        { ...(required.includes(name) ? { required: true } : {}), ...shapeOf(shape) },
      ]),
    );
  const errorOf = (name: string): readonly [string, number] => {
    const { error = {}, fault } = shapes[name] ?? {};
    return [error.code ?? name, error.httpStatusCode ?? (fault ? 500 : 400)];
  };
  return Object.fromEntries(
    [...names].sort().map((name) => {
      const operation = operations[name];
      if (!operation) throw new Error(`botocore ${BOTOCORE} has no ${name}`);
      const input = shapes[operation.input?.shape ?? ''];
      return [
        name,
        {
          input: membersOf(input?.members ?? {}, input?.required ?? []),
          errors: (operation.errors ?? []).map(({ shape }) => errorOf(shape)),
        },
      ];
    }),
  );
}

function inputTypes(services: Readonly<Record<string, Actions>>): string {
  const interfaces = Object.entries(services).map(([service, actions]) => {
    const inputs = Object.entries(actions).map(([name, { input }]) => `    readonly ${name}: ${structureType(input)};`);
    return `  readonly ${service}: {\n${inputs.join('\n')}\n  };`;
  });
  return `// Written by local-aws/scripts/write-spec.ts: do not edit.\n\n/** The inputs of each service's actions. */\nexport interface Inputs {\n${interfaces.join('\n')}\n}\n`;
}

function structureType(members: Readonly<Record<string, Shape>>): string {
  const typed = Object.entries(members).map(([name, shape]) =>
    shape.required ? `readonly ${name}: ${typeOf(shape)}` : `readonly ${name}?: ${optional(typeOf(shape))}`,
  );
  return typed.length === 0 ? 'object' : `{ ${typed.join('; ')} }`;
}

function optional(type: string): string {
  return type === 'unknown' ? type : `${type} | undefined`;
}

function typeOf({ type, members, member, enum: values }: Shape): string {
  switch (type) {
    case 'string':
      return values ? values.map((value) => `'${value}'`).join(' | ') : 'string';
    case 'integer':
    case 'long':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'list':
      return `readonly (${member ? typeOf(member) : 'unknown'})[]`;
    case 'map':
      return `Readonly<Record<string, ${member ? typeOf(member) : 'unknown'}>>`;
    case 'structure':
      return structureType(members ?? {});
    case 'blob':
    case 'timestamp':
      return 'unknown';
  }
}

interface ResourceType {
  readonly cloudFormationType: string;
  readonly tagInformation?: { readonly variant: string };
  readonly properties: Readonly<Record<string, { readonly causesReplacement?: string; readonly required?: boolean }>>;
}

/** What CDK's service specification says of the types, as `spec/resource-types.json` has it. */
export function resourceTypes(): string {
  const database = JSON.parse(gunzipSync(readFileSync(RESOURCE_DATABASE)).toString('utf8')) as {
    readonly schema: { readonly resource: { readonly entities: readonly ResourceType[] } };
  };
  const { version } = JSON.parse(readFileSync(CDK, 'utf8')) as { readonly version: string };
  const types = RESOURCE_TYPES.map((name) => {
    const found = database.schema.resource.entities.find(({ cloudFormationType }) => cloudFormationType === name);
    if (!found) throw new Error(`The service specification has no ${name}`);
    const properties = Object.entries(found.properties).sort(([a], [b]) => a.localeCompare(b));
    return [
      name,
      {
        ...(found.tagInformation?.variant === 'standard' ? { taggable: true } : {}),
        required: properties.filter(([, { required }]) => required).map(([property]) => property),
        replacing: properties
          .filter(([, { causesReplacement }]) => causesReplacement === 'yes')
          .map(([property]) => property),
        properties: properties.map(([property]) => property),
      },
    ] as const;
  });
  return lines({ 'aws-cdk': version, types: Object.fromEntries(types) }, 2);
}

/** JSON with a line for each of the innermost members that count: short, and its changes can be read. */
function lines(value: unknown, depth: number, indentation = ''): string {
  if (depth === 0 || value === null || typeof value !== 'object') return JSON.stringify(value);
  const inner = `${indentation} `;
  const members = Object.entries(value).map(
    ([name, member]) => `${inner}${JSON.stringify(name)}: ${lines(member, depth - 1, inner)}`,
  );
  return `{\n${members.join(',\n')}\n${indentation}}${indentation === '' ? '\n' : ''}`;
}

if (require.main === module) {
  const models = botocoreFolder();
  if (models === undefined) throw new Error(`python3 has no botocore ${BOTOCORE}: pip install botocore==${BOTOCORE}`);
  for (const [name, content] of Object.entries(specFrom(models))) writeFileSync(path.join(SPEC, name), content);
}
