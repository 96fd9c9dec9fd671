import resourceTypes from '../../../spec/resource-types.json';
import { notImplemented } from '../../protocol/aws-error';
import type { CustomResources } from '../custom-resources';
import type { ProviderOf, ResourceProvider, TypeProvider, UpdateBehavior } from '../provider';
import { inlinePolicy, managedPolicy } from './iam-policies';
import { accessKey, group, role, user, userToGroupAddition } from './iam-principals';
import { kmsKey } from './kms';
import { type Functions, lambdaAlias, lambdaFunction, lambdaPermission } from './lambda';
import { logGroup } from './logs';
import { begun } from './properties';
import { rotationSchedule, secret } from './secrets-manager';
import { ssmParameter } from './ssm';

/** What CDK's service specification says of each type: see `local-aws/scripts/write-spec.ts`. */
const SPEC = resourceTypes.types as Readonly<
  Record<
    string,
    { readonly required: readonly string[]; readonly replacing: readonly string[]; readonly taggable?: boolean }
  >
>;

/** A resource that is nothing but its entry in the template. */
const nothing: ResourceProvider = {
  properties: {},
  freeForm: true,
  create: async (change) => begun(change, change.physicalName(128)),
  update: async ({ physicalId }) => ({ physicalId }),
  delete: async () => undefined,
};

const PROVIDERS: Readonly<Record<string, TypeProvider>> = {
  'AWS::IAM::AccessKey': accessKey,
  'AWS::IAM::Group': group,
  'AWS::IAM::ManagedPolicy': managedPolicy,
  'AWS::IAM::Policy': inlinePolicy,
  'AWS::IAM::Role': role,
  'AWS::IAM::User': user,
  'AWS::IAM::UserToGroupAddition': userToGroupAddition,
  'AWS::KMS::Key': kmsKey,
  'AWS::Logs::LogGroup': logGroup,
  'AWS::SSM::Parameter': ssmParameter,
  'AWS::SecretsManager::RotationSchedule': rotationSchedule,
  'AWS::SecretsManager::Secret': secret,
};
/** They make something outside the account's services: functions. */
const LAMBDA_PROVIDERS: Readonly<Record<string, (lambda: Functions) => TypeProvider>> = {
  'AWS::Lambda::Alias': lambdaAlias,
  'AWS::Lambda::Function': lambdaFunction,
  'AWS::Lambda::Permission': lambdaPermission,
};

/** The types that local-aws makes resources of. */
export const RESOURCE_TYPES: readonly string[] = [...Object.keys(PROVIDERS), ...Object.keys(LAMBDA_PROVIDERS)].sort();

/** Finds the provider of a resource type; a type that local-aws does not have fails loudly, with its name. */
export function resourceProviders(lambda: Functions, customResources: CustomResources): ProviderOf {
  const ofLambda = Object.entries(LAMBDA_PROVIDERS).map(([type, provider]) => [type, provider(lambda)] as const);
  const providers: Readonly<Record<string, ResourceProvider>> = {
    'AWS::CDK::Metadata': nothing,
    'AWS::CloudFormation::CustomResource': customResources.provider,
    'AWS::CloudFormation::WaitConditionHandle': nothing,
    ...Object.fromEntries(
      [...Object.entries(PROVIDERS), ...ofLambda].map(([type, provider]) => [type, withSpec(type, provider)]),
    ),
  };
  return (type) => {
    const provider = type.startsWith('Custom::') ? customResources.provider : providers[type];
    if (!provider) throw notImplemented(`the resource type ${type}`);
    return provider;
  };
}

/** Adds what CloudFormation's schema says of a type: what must be given, and which change replaces a resource. */
function withSpec(type: string, { takes, unchangeable = [], ...provider }: TypeProvider): ResourceProvider {
  const { replacing = [], required = [], taggable = false } = SPEC[type] ?? {};
  const behaviorOf = (name: string): UpdateBehavior => {
    if (unchangeable.includes(name)) return 'refused';
    return replacing.includes(name) ? 'replacement' : 'in place';
  };
  return {
    ...provider,
    properties: Object.fromEntries(takes.map((name) => [name, behaviorOf(name)])),
    required,
    taggable: taggable && takes.includes('Tags'),
  };
}
