import resourceTypes from '../../../spec/resource-types.json';
import { notImplemented } from '../../protocol/aws-error';
import type { Schedules } from '../../scheduler';
import type { CustomResources } from '../custom-resources';
import type { ProviderOf, ResourceProvider, TypeProvider, UpdateBehavior } from '../provider';
import { alarm, topic } from './alarms';
import { inlinePolicy, managedPolicy } from './iam-policies';
import { accessKey, group, role, user, userToGroupAddition } from './iam-principals';
import { kmsKey } from './kms';
import { type Functions, lambdaAlias, lambdaFunction, lambdaPermission } from './lambda';
import { logGroup } from './logs';
import { begun } from './properties';
import { schedulerSchedule } from './scheduler';
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
  'AWS::CloudWatch::Alarm': alarm,
  'AWS::IAM::AccessKey': accessKey,
  'AWS::IAM::Group': group,
  'AWS::IAM::ManagedPolicy': managedPolicy,
  'AWS::IAM::Policy': inlinePolicy,
  'AWS::IAM::Role': role,
  'AWS::IAM::User': user,
  'AWS::IAM::UserToGroupAddition': userToGroupAddition,
  'AWS::KMS::Key': kmsKey,
  'AWS::Logs::LogGroup': logGroup,
  'AWS::SNS::Topic': topic,
  'AWS::SSM::Parameter': ssmParameter,
  'AWS::SecretsManager::RotationSchedule': rotationSchedule,
  'AWS::SecretsManager::Secret': secret,
};

/** What is made outside the account's services. */
export interface Outside {
  readonly lambda: Functions;
  readonly scheduler: Schedules;
}

const OUTSIDE_PROVIDERS: Readonly<Record<string, (outside: Outside) => TypeProvider>> = {
  'AWS::Lambda::Alias': ({ lambda }) => lambdaAlias(lambda),
  'AWS::Lambda::Function': ({ lambda }) => lambdaFunction(lambda),
  'AWS::Lambda::Permission': ({ lambda }) => lambdaPermission(lambda),
  'AWS::Scheduler::Schedule': ({ scheduler }) => schedulerSchedule(scheduler),
};

/** The types that local-aws makes resources of. */
export const RESOURCE_TYPES: readonly string[] = [...Object.keys(PROVIDERS), ...Object.keys(OUTSIDE_PROVIDERS)].sort();

/** Finds the provider of a resource type; a type that local-aws does not have fails loudly, with its name. */
export function resourceProviders(outside: Outside, customResources: CustomResources): ProviderOf {
  const fromOutside = Object.entries(OUTSIDE_PROVIDERS).map(([type, provider]) => [type, provider(outside)] as const);
  const providers: Readonly<Record<string, ResourceProvider>> = {
    'AWS::CDK::Metadata': nothing,
    'AWS::CloudFormation::CustomResource': customResources.provider,
    'AWS::CloudFormation::WaitConditionHandle': nothing,
    ...Object.fromEntries(
      [...Object.entries(PROVIDERS), ...fromOutside].map(([type, provider]) => [type, withSpec(type, provider)]),
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
