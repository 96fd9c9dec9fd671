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

/** Refuses IAM resources that the caller has not acknowledged. */
export function assertCapabilities({ resources }: Template, given: readonly string[]): void {
  const ofIam = Object.values(resources).filter(({ type }) => type in IAM_TYPES);
  if (ofIam.length === 0 || given.includes('CAPABILITY_NAMED_IAM')) return;
  const isNamed = ofIam.some(({ type, properties }) => (IAM_TYPES[type] ?? '') in properties);
  const required = isNamed ? 'CAPABILITY_NAMED_IAM' : 'CAPABILITY_IAM';
  if (given.includes(required)) return;
  throw new AwsError('InsufficientCapabilitiesException', `Requires capabilities : [${required}]`);
}
