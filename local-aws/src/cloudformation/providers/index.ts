import { notImplemented } from '../../protocol/aws-error';
import type { CustomResources } from '../custom-resources';
import type { ProviderOf, ResourceProvider } from '../provider';
import { accessKey, virtualMfaDevice } from './iam-credentials';
import { inlinePolicy, managedPolicy } from './iam-policies';
import { group, role, user, userToGroupAddition } from './iam-principals';
import { kmsAlias, kmsKey } from './kms';
import { type Functions, lambdaAlias, lambdaFunction, lambdaPermission } from './lambda';
import { logGroup } from './logs';
import { begun } from './properties';
import { secret, secretResourcePolicy } from './secrets-manager';
import { ssmParameter } from './ssm';

/** A resource that is nothing but its entry in the template. */
const nothing: ResourceProvider = {
  properties: {},
  freeForm: true,
  create: async (change) => begun(change, change.physicalName(128)),
  update: async ({ physicalId }) => ({ physicalId }),
  delete: async () => undefined,
};

/** The resource types that local-aws has; any other fails loudly, with its name. */
export function resourceProviders(lambda: Functions, customResources: CustomResources): ProviderOf {
  const providers: Readonly<Record<string, ResourceProvider>> = {
    'AWS::CDK::Metadata': nothing,
    'AWS::CloudFormation::CustomResource': customResources.provider,
    'AWS::CloudFormation::WaitConditionHandle': nothing,
    'AWS::IAM::AccessKey': accessKey,
    'AWS::IAM::Group': group,
    'AWS::IAM::ManagedPolicy': managedPolicy,
    'AWS::IAM::Policy': inlinePolicy,
    'AWS::IAM::Role': role,
    'AWS::IAM::User': user,
    'AWS::IAM::UserToGroupAddition': userToGroupAddition,
    'AWS::IAM::VirtualMFADevice': virtualMfaDevice,
    'AWS::KMS::Alias': kmsAlias,
    'AWS::KMS::Key': kmsKey,
    'AWS::Lambda::Alias': lambdaAlias(lambda),
    'AWS::Lambda::Function': lambdaFunction(lambda),
    'AWS::Lambda::Permission': lambdaPermission,
    'AWS::Logs::LogGroup': logGroup,
    'AWS::SSM::Parameter': ssmParameter,
    'AWS::SecretsManager::ResourcePolicy': secretResourcePolicy,
    'AWS::SecretsManager::Secret': secret,
  };
  return (type) => {
    const provider = type.startsWith('Custom::') ? customResources.provider : providers[type];
    if (!provider) throw notImplemented(`the resource type ${type}`);
    return provider;
  };
}
