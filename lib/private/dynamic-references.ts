import { type aws_iam as iam, type CfnResource, Stack } from 'aws-cdk-lib';
import { type VirtualMfaDeviceProperties } from '../../lambda/contract/properties';
import { DYNAMIC_REFERENCE } from '../../lambda/contract/property-rules';
import { cfnUserOf } from './cfn-user';

const DEVICE_PROPERTIES: Readonly<Record<Exclude<keyof VirtualMfaDeviceProperties, 'SeedSecretArn'>, string>> = {
  UserName: 'user',
  VirtualMFADeviceName: 'virtualMfaDeviceName',
  Path: 'path',
  Issuer: 'issuer',
  RotationId: 'rotationId',
  Tags: 'tags',
};

/** What keeps a device, or its user's name and path, from being deployed because a dynamic reference is in it. */
export function deviceReferenceProblems(device: CfnResource, user: iam.IUserRef): string[] {
  const cfnUser = cfnUserOf(user);
  const ofUser = (property: string): string => `${property} of the user ${cfnUser?.node.path}`;
  return [
    ...dynamicReferenceProblems(device, DEVICE_PROPERTIES),
    ...(cfnUser ? dynamicReferenceProblems(cfnUser, { UserName: ofUser('userName'), Path: ofUser('path') }) : []),
  ];
}

/**
 * What keeps properties from being deployed because they hold a dynamic reference, as a `SecretValue` does. They are
 * looked at as they stand in the template, where each token has become text: after aspects and overrides.
 *
 * @param resource the resource that has the properties
 * @param names what each property is called in the message, by its name in the template
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
 */
export function dynamicReferenceProblems(resource: CfnResource, names: Readonly<Record<string, string>>): string[] {
  const { Resources } = Stack.of(resource).resolve(resource._toCloudFormation()) as {
    Resources: Readonly<Record<string, { readonly Properties?: Readonly<Record<string, unknown>> }>>;
  };
  const properties = Object.values(Resources).flatMap(({ Properties = {} }) => Object.entries(Properties));
  return properties
    .filter(([property, value]) => property in names && JSON.stringify([value]).includes(DYNAMIC_REFERENCE))
    .map(([property]) => dynamicReferenceProblem(names[property] ?? property));
}

/** The value is not repeated: the text around a reference may be meant for few eyes. */
export function dynamicReferenceProblem(name: string): string {
  return (
    `${name}: got a dynamic reference, ${DYNAMIC_REFERENCE}…}}; allowed: values without one, for it can put a secret into ` +
    'a name, a path or a tag, where anybody can read it. Write the value itself, or read a parameter with ' +
    'ssm.StringParameter.valueForStringParameter.'
  );
}
