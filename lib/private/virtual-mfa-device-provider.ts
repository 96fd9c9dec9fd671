import {
  aws_iam as iam,
  type aws_kms as kms,
  aws_lambda as lambda,
  aws_secretsmanager as secretsmanager,
  type CfnResource,
  Duration,
  Stack,
  Token,
} from 'aws-cdk-lib';
import { Construct, type IConstruct } from 'constructs';
import { RETIRED_TAG, STACK_ID_TAG } from '../../lambda/contract/own-tags';
import { VIRTUAL_MFA_DEVICE_RESOURCE_TYPE } from '../../lambda/contract/properties';
import { acknowledgeWildcard } from './acknowledgement';
import { bundledFunction } from './bundled-function';
import { everySecretArn } from './secret-arns';
import { SeedKeys } from './seed-keys';
import { UserPolicies } from './user-policies';
import { ValidationError } from './validation-error';
import { type VirtualMfaDeviceRotation } from '../virtual-mfa-device-options';

const PROVIDER_ID = `${VIRTUAL_MFA_DEVICE_RESOURCE_TYPE}Provider`;

/** A tag holds an ARN of 256 characters. The inline policies of a role have 10,240 together. */
const MAX_EXISTING_SEED_SECRETS = 10;

/** The function behind every virtual MFA device of a stack, and the role it acts in. */
export class VirtualMfaDeviceProvider extends Construct {
  /** The one provider of the stack that the construct is in. */
  public static of(scope: Construct): VirtualMfaDeviceProvider {
    const stack = Stack.of(scope);
    const existing = stack.node.tryFindChild(PROVIDER_ID);
    if (existing !== undefined && !(existing instanceof VirtualMfaDeviceProvider)) {
      throw new ValidationError(
        scope,
        `got ${existing.node.path} from another copy of cdk-iam-virtual-mfa; allowed: one copy for an app. ` +
          'Have one version of it installed: a library that uses it takes it as a peer dependency.',
      );
    }
    return existing ?? new VirtualMfaDeviceProvider(stack, PROVIDER_ID);
  }

  public readonly serviceToken: string;
  private rotationPermission?: lambda.CfnPermission;
  private readonly role: iam.Role;
  private readonly userPolicies: UserPolicies;
  private readonly seedKeys: SeedKeys;
  private stackPolicy?: iam.Policy;
  private existingSeeds?: iam.PolicyStatement;
  private readonly deviceByPathAndName = new Map<string, IConstruct>();

  private constructor(scope: Construct, id: string) {
    super(scope, id);
    // Neither retryAttempts nor maxEventAge is set: Lambda's own two retries are what heals a crash of the handler.
    const { handler, role } = bundledFunction(this, {
      bundle: 'handler',
      description: 'Creates, enables and deletes virtual MFA devices (cdk-iam-virtual-mfa)',
      roleDescription: 'Creates, enables and deletes the virtual MFA devices of one stack',
      timeout: Duration.minutes(5),
    });
    this.serviceToken = handler.functionArn;
    this.role = role;
    this.allowDevices();
    this.allowSeeds();
    this.userPolicies = new UserPolicies(this, 'UserPolicies', this.role);
    this.seedKeys = new SeedKeys(this, 'SeedKeys', this.role, ['kms:Decrypt', 'kms:GenerateDataKey']);
  }

  /**
   * Lets the handler enable devices for this user; returns what such a device has to depend on.
   *
   * @param removesOthers whether the handler has to find out if the stack deletes the user
   */
  public serve(user: iam.IUserRef, removesOthers: boolean): Construct[] {
    const always = [this.role, this.userPolicies.policyFor(user), this.seedKeys];
    return removesOthers ? [...always, this.policyToReadStack()] : always;
  }

  /** A policy of its own: an update that removes the last device with the option deletes it after that device. */
  private policyToReadStack(): iam.Policy {
    this.stackPolicy ??= new iam.Policy(this, 'StackPolicy', {
      roles: [this.role],
      statements: [
        new iam.PolicyStatement({
          actions: ['cloudformation:DescribeStacks', 'cloudformation:GetTemplate'],
          resources: [Stack.of(this).stackId],
        }),
      ],
    });
    return this.stackPolicy;
  }

  /** Lets the handler store and read seeds under this key; returns the key as the secret has to name it. */
  public allowKey(key: kms.IKey, allowKeyOfAnotherAccount: boolean): kms.IKey {
    return this.seedKeys.allow(key, allowKeyOfAnotherAccount);
  }

  /**
   * Lets the handler read the seed of a device that it adopts.
   *
   * @throws ValidationError when there are more secrets than the role's policy can name
   */
  public allowExistingSeed(device: IConstruct, seed: secretsmanager.ISecret, allowKeyOfAnotherAccount: boolean): void {
    if (this.existingSeeds === undefined) {
      this.existingSeeds = new iam.PolicyStatement({ actions: ['secretsmanager:GetSecretValue'] });
      this.role.addToPolicy(this.existingSeeds);
    }
    // Of a secret that is known by its name alone, Secrets Manager adds six characters to the ARN.
    this.existingSeeds.addResources(seed.secretFullArn ?? `${seed.secretArn}-??????`);
    if (this.existingSeeds.resources.length > MAX_EXISTING_SEED_SECRETS) {
      throw new ValidationError(
        device,
        `existing.seed: got more than ${MAX_EXISTING_SEED_SECRETS} secrets in stack ${Stack.of(this).stackName}; allowed: ` +
          `${MAX_EXISTING_SEED_SECRETS}. Put several seeds into one secret, as JSON, and name the member of each with existing.seedField.`,
      );
    }
    if (seed.encryptionKey !== undefined) {
      this.seedKeys.allow(seed.encryptionKey, allowKeyOfAnotherAccount);
    }
  }

  /** Has Secrets Manager rotate a seed with the handler, once the device is enabled. */
  public rotate(
    seed: secretsmanager.Secret,
    device: CfnResource,
    { automaticallyAfter }: VirtualMfaDeviceRotation,
  ): void {
    this.rotationPermission ??= new lambda.CfnPermission(this, 'Rotation', {
      action: 'lambda:InvokeFunction',
      functionName: this.serviceToken,
      principal: 'secretsmanager.amazonaws.com',
      sourceAccount: Stack.of(this).account,
    });
    const schedule = new secretsmanager.CfnRotationSchedule(seed, 'RotationSchedule', {
      secretId: seed.secretArn,
      rotationLambdaArn: this.serviceToken,
      rotationRules: { scheduleExpression: rateOf(automaticallyAfter) },
      rotateImmediatelyOnUpdate: false,
    });
    schedule.node.addDependency(this.rotationPermission);
    // Secrets Manager tests at once whether it could rotate.
    schedule.node.addDependency(device);
  }

  /** @throws ValidationError when another device of the stack has this path and explicit name; tokens pass. */
  public reserveName(device: IConstruct, virtualMfaDeviceName: string, path = '/'): void {
    if (Token.isUnresolved(virtualMfaDeviceName) || Token.isUnresolved(path)) {
      return;
    }
    const pathAndName = `${path}${virtualMfaDeviceName}`;
    const other = this.deviceByPathAndName.get(pathAndName);
    if (other !== undefined) {
      throw new ValidationError(
        device,
        `virtualMfaDeviceName: got the name and path of ${other.node.path}; ` +
          'allowed: one device of a name and path in an account. Choose another name or path.',
      );
    }
    this.deviceByPathAndName.set(pathAndName, device);
  }

  /**
   * One set of statements for any number of devices: what the role may touch is told by the tag that marks a stack's own.
   *
   * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
   */
  private allowDevices(): void {
    const stack = Stack.of(this);
    const devices = stack.formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: '*' });
    const requestTag = { [`aws:RequestTag/${STACK_ID_TAG}`]: stack.stackId };
    const resourceTag = { [`aws:ResourceTag/${STACK_ID_TAG}`]: stack.stackId };
    this.allow(
      {
        actions: ['iam:CreateVirtualMFADevice', 'iam:TagMFADevice'],
        resources: [devices],
        // The second condition keeps the role from putting its mark on a device that another stack has marked.
        conditions: { StringEquals: requestTag, StringEqualsIfExists: resourceTag },
      },
      {
        actions: ['iam:DeleteVirtualMFADevice', 'iam:UntagMFADevice'],
        resources: [devices],
        conditions: { StringEquals: resourceTag },
      },
      { actions: ['iam:ListMFADeviceTags'], resources: [devices] },
      { actions: ['iam:ListVirtualMFADevices'], resources: ['*'] },
    );
    acknowledgeWildcard(
      this.role,
      devices,
      "What changes a device has a condition on the stack's tag; whose a device is must be read before it is respected.",
    );
    acknowledgeWildcard(this.role, '*', 'IAM knows no narrower resource for iam:ListVirtualMFADevices.');
  }

  private allowSeeds(): void {
    const stack = Stack.of(this);
    const secrets = everySecretArn(stack);
    const resourceTag = { [`aws:ResourceTag/${STACK_ID_TAG}`]: stack.stackId };
    this.allow(
      {
        actions: [
          'secretsmanager:DescribeSecret',
          'secretsmanager:GetSecretValue',
          'secretsmanager:PutSecretValue',
          'secretsmanager:UpdateSecretVersionStage',
        ],
        resources: [secrets],
        conditions: { StringEquals: resourceTag },
      },
      // Not the tag that the role's own access is conditioned on.
      {
        actions: ['secretsmanager:TagResource'],
        resources: [secrets],
        conditions: {
          StringEquals: resourceTag,
          'ForAllValues:StringEquals': { 'aws:TagKeys': [RETIRED_TAG] },
        },
      },
    );
    acknowledgeWildcard(this.role, secrets, "Each statement has a condition on the stack's tag.");
  }

  private allow(...statements: iam.PolicyStatementProps[]): void {
    statements.forEach((statement) => this.role.addToPolicy(new iam.PolicyStatement(statement)));
  }
}

/** Secrets Manager has no unit between the hour and the day, and takes 999 of either. */
function rateOf(automaticallyAfter: Duration): string {
  const hours = automaticallyAfter.toHours();
  return hours % 24 === 0 ? `rate(${days(hours)})` : `rate(${hours} hours)`;
}

function days(hours: number): string {
  return hours === 24 ? '1 day' : `${hours / 24} days`;
}
