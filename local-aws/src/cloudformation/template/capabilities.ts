import { AwsError } from '../../protocol/aws-error';
import type { Template } from './template';

/** The property that gives an IAM resource a name of the user's own; undefined: it has none. */
const IAM_TYPES: Readonly<Record<string, string | undefined>> = {
  'AWS::IAM::AccessKey': undefined,
  'AWS::IAM::Group': 'GroupName',
  'AWS::IAM::ManagedPolicy': 'ManagedPolicyName',
  'AWS::IAM::Policy': undefined,
  'AWS::IAM::Role': 'RoleName',
  'AWS::IAM::User': 'UserName',
  'AWS::IAM::UserToGroupAddition': undefined,
};

/** What a template's author must acknowledge, and the types that make it so. */
export function requiredCapability(
  template: Template,
): { readonly capability: string; readonly reason: string } | undefined {
  const resources = Object.values(template.resources).filter(({ type }) => type in IAM_TYPES);
  if (resources.length === 0) return undefined;
  const named = resources.filter(({ type, properties }) => {
    const name = IAM_TYPES[type];
    return name !== undefined && name in properties;
  });
  const types = [...new Set((named.length > 0 ? named : resources).map(({ type }) => type))];
  return {
    capability: named.length > 0 ? 'CAPABILITY_NAMED_IAM' : 'CAPABILITY_IAM',
    reason: `The following resource(s) require capabilities: [${types.join(', ')}]`,
  };
}

/** Refuses IAM resources that the caller has not acknowledged. */
export function assertCapabilities(template: Template, given: readonly string[]): void {
  const required = requiredCapability(template);
  if (!required || given.includes(required.capability) || given.includes('CAPABILITY_NAMED_IAM')) return;
  throw new AwsError('InsufficientCapabilitiesException', `Requires capabilities : [${required.capability}]`);
}
