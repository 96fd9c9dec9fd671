import * as iam from '@aws-sdk/client-iam';
import * as secretsmanager from '@aws-sdk/client-secrets-manager';
import * as sts from '@aws-sdk/client-sts';
import { type Clients, credentialsOf } from '../callers';
import { codeAt, refusalOf, startStrictAccount, STEP, type StrictAccount, wrongCode } from '../strict-account';
import { RotationFunction } from './rotation-function';
import type { FunctionConfiguration } from '../../src/lambda/function-configuration';
import type { Permission } from '../../src/lambda/function-policies';
import type { LocalAws } from '../../src';
import type { RecordedRefusal, RecordedScenario, RecordedStep, Recordings } from './recordings';

/** What came of one call, and what came of it on AWS. */
export interface ReplayedStep {
  /** The recording's name for the call, or, where it only sets the scene, the call. */
  readonly name: string;
  readonly isCase: boolean;
  readonly outcome: unknown;
  readonly recorded: unknown;
}

const SUCCESS = 'Success';
const COMMANDS: Readonly<Record<string, object>> = { iam, secretsmanager, sts };

/** Plays a scenario in an account of its own. */
export async function replay(
  scenario: RecordedScenario,
  refusals: Recordings['refusals'] = {},
  values: Readonly<Record<string, string>> = {},
): Promise<readonly ReplayedStep[]> {
  const account = await startStrictAccount();
  try {
    const rotationFunction = new RotationFunction(account);
    const player = new Player(account, rotationFunction, scenario.inputs ?? {}, refusals, values);
    const replayed: ReplayedStep[] = [];
    for (const step of scenario.steps) replayed.push(await player.play(step));
    return replayed;
  } finally {
    await account.close();
  }
}

class Player {
  readonly #kept: Map<string, unknown>;

  constructor(
    private readonly account: StrictAccount,
    private readonly rotationFunction: RotationFunction,
    private readonly inputs: NonNullable<RecordedScenario['inputs']>,
    private readonly refusals: NonNullable<Recordings['refusals']>,
    values: Readonly<Record<string, string>>,
  ) {
    this.#kept = new Map(Object.entries(values));
  }

  async play(step: RecordedStep): Promise<ReplayedStep> {
    const { account } = this;
    if (step.at !== undefined) account.pass(Math.max(0, Date.parse(this.#text(step.at)) - account.now()));
    const input = this.#filled({ ...this.inputs[step.call], ...step.input }) as object;
    const name = this.#text(step.case ?? step.call);
    const answer = this.#send(step, input);
    const refusal = this.#refusal(step);
    const result = refusal ? await refused(answer, refusal) : await this.#succeeded(answer, step);
    return { name, isCase: step.case !== undefined, ...result };
  }

  #send({ call, as }: RecordedStep, input: object): Promise<object> {
    if (call === 'function:Run') return this.rotationFunction.run();
    return send(this.account, this.#clients(as), call, input);
  }

  #clients(name: string | undefined): Clients {
    if (name === undefined) return this.account;
    return this.account.as(credentialsOf(this.#kept.get(this.#text(name)) as Parameters<typeof credentialsOf>[0]));
  }

  #refusal({ refused: given = '' }: RecordedStep): RecordedRefusal | undefined {
    if (typeof given !== 'string') return this.#filled(given) as RecordedRefusal;
    const name = this.#text(given);
    if (name === '') return undefined;
    const refusal = this.refusals[name];
    if (refusal === undefined) throw new Error(`The file has no refusal of the name ${name}.`);
    return this.#filled(refusal) as RecordedRefusal;
  }

  async #succeeded(answer: Promise<object>, { keep = {}, output }: RecordedStep): Promise<Compared> {
    try {
      const { $metadata: _, ...members } = (await answer) as Record<string, unknown>;
      for (const [name, path] of Object.entries(keep)) this.#kept.set(name, partOf(members, path));
      if (output === undefined) return { outcome: SUCCESS, recorded: SUCCESS };
      const recorded = this.#filled(output);
      return { outcome: masked(JSON.parse(JSON.stringify(members)), recorded), recorded };
    } catch (error) {
      return { outcome: String(error), recorded: SUCCESS };
    }
  }

  #text(template: string): string {
    return template.replaceAll(/\$\{([^}]+)\}/g, (_all, words: string) => this.#value(words.split(' ')));
  }

  /** `name`, `code NAME STEP` or `wrong NAME`. */
  #value([first = '', second, third = '']: readonly string[]): string {
    const kept = this.#kept.get(second ?? first);
    if (typeof kept !== 'string') throw new Error(`Nothing was kept as ${second ?? first}.`);
    if (second === undefined) return kept;
    return first === 'wrong' ? wrongCode(kept, this.account.now()) : codeAt(kept, this.#momentOf(third));
  }

  /** A moment in a time step: `@59638561` is that one, another number counts from now. */
  #momentOf(timeStep: string): number {
    const kept = this.#kept.get(timeStep);
    const step = typeof kept === 'string' ? kept : timeStep;
    return step.startsWith('@') ? Number(step.slice(1)) * STEP : this.account.now() + Number(step) * STEP;
  }

  #filled(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (Array.isArray(value)) return value.map((part) => this.#filled(part));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => {
        const isDocument = /Policy(Document)?$/.test(name) && typeof part === 'object';
        const filled = this.#filled(part);
        return [name, isDocument ? JSON.stringify(filled) : filled];
      }),
    );
  }
}

type Compared = Pick<ReplayedStep, 'outcome' | 'recorded'>;

async function refused(answer: Promise<object>, recorded: RecordedRefusal): Promise<Compared> {
  try {
    const { message, ...rest } = await refusalOf(answer);
    const told = sameText(message, recorded.message) ? recorded.message : message;
    return { outcome: recorded.message === undefined ? rest : { ...rest, message: told }, recorded };
  } catch {
    return { outcome: SUCCESS, recorded };
  }
}

/** Whether a message is the recorded one, where `*` stands for what differs each time. */
function sameText(message: string, recorded = ''): boolean {
  const escaped = recorded.split('*').map((part) => part.replace(/[\\^$.|+()[\]{}?]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.+')}$`).test(message);
}

function send(
  { localAws }: StrictAccount,
  { iam: iamClient, sts: stsClient, secretsManager }: Clients,
  call: string,
  input: object,
): Promise<object> {
  const [service = '', operation = ''] = call.split(':');
  if (service === 'lambda') return configureFunction(localAws, operation, input);
  // Nobody else needs KMS's client.
  if (service === 'kms') return localAws.account.invoke(service, operation, { ...input });
  const commands = COMMANDS[service] as Record<string, new (input: object) => object> | undefined;
  const Command = commands?.[`${operation}Command`];
  if (Command === undefined) throw new Error(`The SDK has no command for ${call}.`);
  const client = { iam: iamClient, secretsmanager: secretsManager, sts: stsClient }[service];
  return (client as unknown as { send(command: object): Promise<object> }).send(new Command(input));
}

/** Lambda's own API serves only Invoke: CloudFormation makes functions and permissions. */
async function configureFunction({ lambda }: LocalAws, operation: string, input: object): Promise<object> {
  if (operation === 'CreateFunction') {
    const code = { source: 'exports.handler = async () => { throw new Error("runs in the process of the tests"); };' };
    return { FunctionArn: await lambda.createFunction(input as FunctionConfiguration, code) };
  }
  const { FunctionName, ...permission } = input as Permission & { readonly FunctionName: string };
  lambda.addPermission(FunctionName, permission);
  return {};
}

/** A part of an answer, by its path; bytes as the text that they are. */
function partOf(answer: unknown, path: string): unknown {
  const part = path.split('.').reduce((whole, name) => (whole as Record<string, unknown> | undefined)?.[name], answer);
  return part instanceof Uint8Array ? Buffer.from(part).toString('utf8') : part;
}

/** The same structure with `*` wherever the recording has it: there is a value, and it differs each time. */
function masked(value: unknown, recorded: unknown): unknown {
  if (recorded === '*') return value === undefined ? undefined : '*';
  if (Array.isArray(value) && Array.isArray(recorded)) return value.map((part, index) => masked(part, recorded[index]));
  if (value === null || typeof value !== 'object') return value;
  const parts = recorded as Record<string, unknown> | undefined;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, masked(part, parts?.[name])]));
}
