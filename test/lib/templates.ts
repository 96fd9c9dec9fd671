import { App, aws_iam as iam, Stack, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { VirtualMfaDevice, type VirtualMfaDeviceProps } from '../../lib';

export const DEVICE_TYPE = 'Custom::IAMVirtualMFADevice';
export const LOGICAL_ID_TAG = 'cdk-iam-virtual-mfa:logical-id';
export const STACK_ID_TAG = 'cdk-iam-virtual-mfa:stack-id';
export const USER_NAME_TAG = 'cdk-iam-virtual-mfa:user-name';

/** A resource as it stands in a template. */
export interface TemplateResource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** A statement as it stands in a template. */
export interface TemplateStatement {
  readonly Action: string | readonly string[];
  readonly Effect: string;
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export function newStack(props: StackProps = {}, context: Record<string, unknown> = {}): Stack {
  return new Stack(new App({ context }), 'Stack', props);
}

/** A stack with one user, Bob, and his device, in most tests' shape. */
export function bobWithDevice(
  props: Omit<VirtualMfaDeviceProps, 'user'> = {},
  stack = newStack(),
): { stack: Stack; bob: iam.User; device: VirtualMfaDevice } {
  const bob = new iam.User(stack, 'Bob');
  return { stack, bob, device: new VirtualMfaDevice(stack, 'BobMfa', { user: bob, ...props }) };
}

/** The resources of a type, by logical id. */
export function resourcesOf(stack: Stack, type: string): Record<string, TemplateResource> {
  return Template.fromStack(stack).findResources(type) as Record<string, TemplateResource>;
}

/** The only resource of a type, with its logical id. */
export function onlyResourceOf(stack: Stack, type: string): [logicalId: string, resource: TemplateResource] {
  const [only, ...others] = Object.entries(resourcesOf(stack, type));
  if (only === undefined || others.length > 0) {
    throw new Error(`Expected one ${type}, found ${only === undefined ? 0 : others.length + 1}`);
  }
  return only;
}

/** The tags that mark a seed secret, in the order of a template. */
export function ownerTagsOf(logicalId: string, userName: unknown): readonly unknown[] {
  return [
    { Key: LOGICAL_ID_TAG, Value: logicalId },
    { Key: STACK_ID_TAG, Value: { Ref: 'AWS::StackId' } },
    { Key: USER_NAME_TAG, Value: userName },
  ];
}

/** The properties of the only device. */
export function devicePropertiesOf(stack: Stack): Readonly<Record<string, unknown>> {
  return onlyResourceOf(stack, DEVICE_TYPE)[1].Properties;
}

export function statementsOf(resource: TemplateResource): readonly TemplateStatement[] {
  const { Statement } = resource.Properties.PolicyDocument as { Statement: readonly TemplateStatement[] };
  return Statement;
}

/** The statements of the handler's role that do not name users. */
export function roleStatementsOf(stack: Stack): readonly TemplateStatement[] {
  const policies = Object.entries(resourcesOf(stack, 'AWS::IAM::Policy'));
  return policies.filter(([id]) => id.includes('MFADeviceProvider')).flatMap(([, policy]) => statementsOf(policy));
}

/** The policies that name users, by logical id. */
export function userPoliciesOf(stack: Stack): Record<string, TemplateResource> {
  return resourcesOf(stack, 'AWS::IAM::ManagedPolicy');
}

export function actionsOf(statements: readonly TemplateStatement[]): string[] {
  return statements.flatMap(({ Action }) => Action).sort();
}

export function templateTextOf(stack: Stack): string {
  return JSON.stringify(Template.fromStack(stack).toJSON());
}
