import { notImplemented, validationError } from '../../protocol/aws-error';
import { isRecord } from '../../protocol/json';

/** A template with every section present. */
export interface Template {
  readonly description?: string;
  readonly metadata?: unknown;
  readonly parameters: Readonly<Record<string, ParameterDeclaration>>;
  readonly mappings: Readonly<Record<string, unknown>>;
  readonly conditions: Readonly<Record<string, unknown>>;
  readonly rules: Readonly<Record<string, RuleDeclaration>>;
  readonly resources: Readonly<Record<string, ResourceDeclaration>>;
  readonly outputs: Readonly<Record<string, OutputDeclaration>>;
}

export interface ParameterDeclaration {
  readonly Type: string;
  readonly Default?: string | number | boolean;
  readonly Description?: string;
  readonly NoEcho?: boolean | string;
}

export interface RuleDeclaration {
  readonly RuleCondition?: unknown;
  readonly Assertions: readonly { readonly Assert: unknown; readonly AssertDescription?: string }[];
}

export type DeletionPolicy = 'Delete' | 'Retain' | 'RetainExceptOnCreate';

export interface ResourceDeclaration {
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly dependsOn: readonly string[];
  readonly condition?: string;
  readonly deletionPolicy: DeletionPolicy;
  readonly updateReplacePolicy: DeletionPolicy;
  readonly metadata?: unknown;
}

export interface OutputDeclaration {
  readonly Value: unknown;
  readonly Description?: string;
  readonly Condition?: string;
  readonly Export?: { readonly Name: unknown };
}

const SECTIONS = [
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Parameters',
  'Mappings',
  'Conditions',
  'Rules',
  'Resources',
  'Outputs',
];
const RESOURCE_ATTRIBUTES = [
  'Type',
  'Properties',
  'DependsOn',
  'Condition',
  'DeletionPolicy',
  'UpdateReplacePolicy',
  'Metadata',
];

/** Reads a template in JSON, as CDK publishes it, and refuses what CloudFormation refuses before it looks at any value. */
export function parseTemplate(body: string): Template {
  const template = parseBody(body);
  if (!isRecord(template)) throw validationError('Template format error: unsupported structure.');
  if ('Transform' in template) throw notImplemented(`the transform ${JSON.stringify(template.Transform)}`);
  const unknown = Object.keys(template).filter((section) => !SECTIONS.includes(section));
  if (unknown.length > 0) throw validationError(`Invalid template property or properties [${unknown.join(', ')}]`);
  const resources = section(template, 'Resources');
  if (Object.keys(resources).length === 0) {
    throw validationError('Template format error: At least one Resources member must be defined.');
  }
  return {
    ...(typeof template.Description === 'string' ? { description: template.Description } : {}),
    ...(template.Metadata === undefined ? {} : { metadata: template.Metadata }),
    parameters: section(template, 'Parameters') as Template['parameters'],
    mappings: section(template, 'Mappings'),
    conditions: section(template, 'Conditions'),
    rules: section(template, 'Rules') as Template['rules'],
    resources: Object.fromEntries(
      Object.entries(resources).map(([logicalId, resource]) => [logicalId, resourceOf(logicalId, resource)]),
    ),
    outputs: section(template, 'Outputs') as Template['outputs'],
  };
}

function parseBody(body: string): unknown {
  if (!body.trimStart().startsWith('{')) throw notImplemented('templates in YAML');
  try {
    return JSON.parse(body) as unknown;
  } catch (thrown) {
    throw validationError(`Template format error: JSON not well-formed. (${(thrown as Error).message})`);
  }
}

function section(template: Record<string, unknown>, name: string): Record<string, unknown> {
  const found = template[name] ?? {};
  if (!isRecord(found)) throw validationError(`Template format error: ${name} must be an object.`);
  return found;
}

function resourceOf(logicalId: string, resource: unknown): ResourceDeclaration {
  if (!/^[A-Za-z0-9]+$/.test(logicalId)) {
    throw validationError(`Template format error: Resource name ${logicalId} is non alphanumeric.`);
  }
  if (!isRecord(resource) || typeof resource.Type !== 'string') {
    throw validationError(
      `Template format error: [/Resources/${logicalId}/Type] 'null' values are not allowed in templates`,
    );
  }
  const unknown = Object.keys(resource).find((attribute) => !RESOURCE_ATTRIBUTES.includes(attribute));
  if (unknown) throw notImplemented(`the attribute ${unknown} of resource ${logicalId}`);
  const { DependsOn = [], Condition, Metadata } = resource;
  const deletionPolicy = policyOf(logicalId, 'DeletionPolicy', resource.DeletionPolicy);
  return {
    type: resource.Type,
    properties: isRecord(resource.Properties) ? resource.Properties : {},
    dependsOn: (Array.isArray(DependsOn) ? DependsOn : [DependsOn]) as string[],
    ...(typeof Condition === 'string' ? { condition: Condition } : {}),
    deletionPolicy,
    updateReplacePolicy: policyOf(logicalId, 'UpdateReplacePolicy', resource.UpdateReplacePolicy),
    ...(Metadata === undefined ? {} : { metadata: Metadata }),
  };
}

function policyOf(logicalId: string, attribute: string, policy: unknown): DeletionPolicy {
  if (policy === undefined) return 'Delete';
  const allowed = attribute === 'DeletionPolicy' ? ['Delete', 'Retain', 'RetainExceptOnCreate'] : ['Delete', 'Retain'];
  if (allowed.includes(policy as string)) return policy as DeletionPolicy;
  throw notImplemented(`the ${attribute} ${JSON.stringify(policy)} of resource ${logicalId}`);
}
