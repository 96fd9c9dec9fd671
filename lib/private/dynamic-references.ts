import { type aws_iam as iam, type aws_secretsmanager as secretsmanager, type CfnResource, Stack } from 'aws-cdk-lib';
import { type VirtualMfaDeviceProperties } from '../../lambda/contract/properties';
import { DYNAMIC_REFERENCE } from '../../lambda/contract/property-rules';
import { cfnUserOf } from './cfn-user';
import { TemplateText } from './template-text';

/** Names of properties in messages, by their names in the template. */
type Names = Readonly<Record<string, string>>;

const DEVICE_PROPERTIES: Readonly<Partial<Record<keyof VirtualMfaDeviceProperties, string>>> = {
  UserName: 'user',
  VirtualMFADeviceName: 'virtualMfaDeviceName',
  Path: 'path',
  Issuer: 'issuer',
  RotationId: 'rotationId',
  Existing: 'existing',
  Tags: 'tags',
};

/** What keeps a device from being deployed because a dynamic reference is in it, in its secret, or in its user's name or path. */
export function deviceReferenceProblems(
  device: CfnResource,
  seed: secretsmanager.CfnSecret,
  user: iam.IUserRef,
): string[] {
  const cfnUser = cfnUserOf(user);
  const ofUser = (property: string): string => `${property} of the user ${cfnUser?.node.path}`;
  const { text, properties } = resolved(device);
  const { userArn } = user.userRef;
  return [
    ...(text.holdsReference(Stack.of(device).resolve(userArn)) ? [dynamicReferenceProblem('user')] : []),
    ...problemsIn(properties, text, (property) => (DEVICE_PROPERTIES as Names)[property] ?? property),
    ...resourceReferenceProblems(seed, { KmsKeyId: 'encryptionKey' }),
    ...(cfnUser ? selectedReferenceProblems(cfnUser, { UserName: ofUser('userName'), Path: ofUser('path') }) : []),
  ];
}

/** What keeps a resource from being deployed because a dynamic reference is in any of its properties. */
export function resourceReferenceProblems(resource: CfnResource, names: Names = {}): string[] {
  const { text, properties } = resolved(resource);
  return problemsIn(properties, text, (property) => names[property] ?? `${property} of ${resource.node.path}`);
}

/** The same, of the properties that have a name here. */
function selectedReferenceProblems(resource: CfnResource, names: Names): string[] {
  const { text, properties } = resolved(resource);
  return problemsIn(
    properties.filter(([property]) => property in names),
    text,
    (property) => names[property] ?? property,
  );
}

/** The value is not repeated: the text around a reference may be meant for few eyes. */
export function dynamicReferenceProblem(name: string): string {
  return (
    `${name}: got a dynamic reference, ${DYNAMIC_REFERENCE}…}}, or a part of one; allowed: values without one, because it can put a ` +
    'secret into a name, a path, a tag or a policy, where anybody can read it. Write the value itself, or read a parameter ' +
    'with ssm.StringParameter.valueForStringParameter.'
  );
}

type Properties = readonly (readonly [property: string, value: unknown])[];

/** The properties as they stand in the template, where each token has become text: after aspects and overrides. */
function resolved(resource: CfnResource): { readonly text: TemplateText; readonly properties: Properties } {
  const stack = Stack.of(resource);
  const { Resources } = stack.resolve(resource._toCloudFormation()) as {
    Resources: Readonly<Record<string, { readonly Properties?: Readonly<Record<string, unknown>> }>>;
  };
  const properties = Object.values(Resources).flatMap(({ Properties = {} }) => Object.entries(Properties));
  return { text: new TemplateText(stack), properties };
}

function problemsIn(properties: Properties, text: TemplateText, nameOf: (property: string) => string): string[] {
  return properties
    .filter(([property, value]) => text.holdsReference([property, value]))
    .map(([property]) => dynamicReferenceProblem(nameOf(property)));
}
