import {
  Arn,
  ArnFormat,
  type aws_iam as iam,
  type aws_lambda as lambda,
  aws_secretsmanager as secretsmanager,
  CfnDeletionPolicy,
  type CfnResource,
  CustomResource,
  Duration,
  type IResource,
  type ITaggableV2,
  Lazy,
  RemovalPolicy,
  Resource,
  Stack,
  TagManager,
  TagType,
  Token,
} from 'aws-cdk-lib';
import { propertyInjectable } from 'aws-cdk-lib/core/lib/prop-injectable';
import { type Construct } from 'constructs';
import {
  EXISTING_SEED_FIELD_TAG,
  EXISTING_SEED_TAG,
  LOGICAL_ID_TAG,
  STACK_ID_TAG,
  USER_NAME_TAG,
} from '../lambda/contract/own-tags';
import {
  type ExistingVirtualMfaDeviceProperties,
  VIRTUAL_MFA_DEVICE_RESOURCE_TYPE,
  type VirtualMfaDeviceAttributes,
  type VirtualMfaDeviceProperties,
} from '../lambda/contract/properties';
import { acknowledgeNoRotationSchedule } from './private/acknowledgement';
import { logicalIdIfDeleted } from './private/cfn-user';
import { CodeFunction } from './private/code-function';
import { rememberDevice } from './private/declared-devices';
import { tagProblems } from './private/device-tags';
import { validateDevice, validateSerialNumber } from './private/device-validation';
import { deviceReferenceProblems } from './private/dynamic-references';
import { userDependency } from './private/user-dependency';
import { VirtualMfaDeviceProvider } from './private/virtual-mfa-device-provider';
import { rememberProperties } from './private/watched-devices';
import { type ExistingVirtualMfaDevice, type VirtualMfaDeviceOptions } from './virtual-mfa-device-options';

/**
 * A virtual MFA device of IAM.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_virtual.html
 */
export interface IVirtualMfaDevice extends IResource, iam.IVirtualMFADeviceRef {
  /**
   * The serial number of the device: its ARN.
   *
   * @attribute
   */
  readonly serialNumber: string;

  /**
   * The name of the device, without its path.
   *
   * @attribute
   */
  readonly virtualMfaDeviceName: string;
}

/** Properties of a virtual MFA device. */
export interface VirtualMfaDeviceProps extends VirtualMfaDeviceOptions {
  /**
   * The IAM user to enable the device for. A user can have eight devices.
   *
   * A change replaces the device: the new user's device is enabled first, then the old user's device is deactivated and
   * deleted. With an explicit name, or `existing`, that stays the same, a change fails the deployment.
   *
   * The function's role may act only on this user's ARN, which includes the path. If an existing user has a path, import it
   * with `User.fromUserArn` or `User.fromUserAttributes`: `User.fromUserName` assumes that the user has no path.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
   */
  readonly user: iam.IUserRef;

  /**
   * The name of the device: 1 to 226 characters, letters, digits and any of `_+=,.@-`. Name and path together must be
   * unique in the account, and share the 256 characters of the serial number.
   *
   * Not with `existing`. A change replaces the device. If you set a name and keep it, a change of `user` or `rotationId` fails
   * the deployment, because the old and the new device cannot have the same name. Change the name or the path too.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
   *
   * @default - the user's name with a short hash, which a change of `user`, `path` or `rotationId` changes
   */
  readonly virtualMfaDeviceName?: string;

  /**
   * A device to adopt instead of making one: one that a script, another tool or a person made, and whose seed somebody has.
   *
   * If the device is enabled for nobody, the function enables it for `user` with codes of the seed. If it is enabled for `user`
   * already, the function proves with `ResyncMFADevice` that the seed is the device's; the owner notices nothing. The function
   * marks the device with its tags. It stores the seed in `seedSecret`, as for every other device.
   *
   * The deployment fails, and the device stays as it was, if IAM refuses the seed's codes, if the device is enabled for
   * another user, or if it belongs to another stack or resource.
   *
   * When it leaves the stack, also because its creation is rolled back, the device is left as it was found: without the
   * function's tags, and enabled only if it was enabled before. `RemovalPolicy.DESTROY` deletes it instead, in both cases.
   *
   * It excludes `virtualMfaDeviceName`, `path` and `rotationId`: the serial number has name and path, and a device keeps its seed as long
   * as it lives. `rotation` makes it anew under the same serial number.
   *
   * If you add this to a device, or remove it, and the serial number stays the same, that is a change in place. Otherwise it
   * replaces the device.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
   * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html
   *
   * @default - a new device is made
   *
   * @example
   * const stack = new Stack(new App(), 'Staff');
   * new VirtualMfaDevice(stack, 'CarolMfa', {
   *   user: iam.User.fromUserName(stack, 'Carol', 'Carol'),
   *   existing: {
   *     serialNumber: 'arn:aws:iam::123456789012:mfa/carol-phone',
   *     seed: secretsmanager.Secret.fromSecretNameV2(stack, 'CarolSeed', 'carol-phone-seed'),
   *   },
   * });
   */
  readonly existing?: ExistingVirtualMfaDevice;
}

/**
 * A virtual MFA device. Deploying the stack creates it and enables it for an IAM user; deleting the stack deactivates and
 * deletes it.
 *
 * Its seed goes from IAM to the device's own secret, and nowhere else.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
 *
 * @resource Custom::IAMVirtualMFADevice
 *
 * @example
 * const stack = new Stack(new App(), 'BreakGlass');
 * const bob = new iam.User(stack, 'Bob', { userName: 'Bob' });
 * const mfa = new VirtualMfaDevice(stack, 'BobMfa', { user: bob });
 *
 * // Anyone who may read this secret has the second factor.
 * new CfnOutput(stack, 'BobSeedSecretArn', { value: mfa.seedSecret.secretArn });
 */
@propertyInjectable
export class VirtualMfaDevice extends Resource implements IVirtualMfaDevice, ITaggableV2 {
  /** Uniquely identifies this class. */
  public static readonly PROPERTY_INJECTION_ID: string = 'cdk-iam-virtual-mfa.VirtualMfaDevice';

  /**
   * Refers to an existing device by its serial number.
   *
   * The name comes from the serial number. If the whole serial number is a token, the name is right only for a device
   * without a path.
   *
   * @param scope construct scope
   * @param id construct id
   * @param serialNumber the device's ARN, `arn:<partition>:iam::<account>:mfa/<path and name>`
   */
  public static fromSerialNumber(scope: Construct, id: string, serialNumber: string): IVirtualMfaDevice {
    validateSerialNumber(scope, serialNumber);
    const { account } = Arn.split(serialNumber, ArnFormat.SLASH_RESOURCE_NAME);

    class Import extends Resource implements IVirtualMfaDevice {
      public readonly serialNumber = serialNumber;
      public readonly virtualMfaDeviceName = nameIn(serialNumber);
      public readonly virtualMfaDeviceRef = { serialNumber };
    }

    return new Import(scope, id, account === undefined ? {} : { account });
  }

  /** Manages the tags of the device. Its secret has a separate tag manager. */
  public readonly cdkTagManager = new TagManager(TagType.KEY_VALUE, VIRTUAL_MFA_DEVICE_RESOURCE_TYPE);
  public readonly serialNumber: string;
  public readonly virtualMfaDeviceName: string;

  /**
   * The secret that holds the seed. Its value is JSON with the members `serialNumber`, `userName`, `seed` (base32 text)
   * and `otpauthUri` (the content of the QR code).
   */
  public readonly seedSecret: secretsmanager.ISecret;

  private readonly retainable: CfnResource[];
  private readonly allowKeyOfAnotherAccount: boolean;
  private codeAlias?: lambda.IFunction;

  public constructor(scope: Construct, id: string, props: VirtualMfaDeviceProps) {
    const { existing } = props;
    super(scope, id, {
      physicalName: existing ? readablePartsOf(existing.serialNumber)?.name : props.virtualMfaDeviceName,
    });
    validateDevice(this, props);
    rememberDevice(props.user, this);
    this.node.addValidation({ validate: () => tagProblems(this.cdkTagManager) });

    const provider = VirtualMfaDeviceProvider.of(this);
    const path = existing ? readablePartsOf(existing.serialNumber)?.path : props.path;
    if (existing || props.virtualMfaDeviceName !== undefined) {
      provider.reserveName(this, this.physicalName, path);
    }
    this.allowKeyOfAnotherAccount = props.allowKeyOfAnotherAccount ?? false;
    const encryptionKey = props.encryptionKey && provider.allowKey(props.encryptionKey, this.allowKeyOfAnotherAccount);
    if (existing) {
      provider.allowExistingSeed(this, existing.seed, this.allowKeyOfAnotherAccount);
    }
    const { userName } = props.user.userRef;
    const removesOthers = props.removeOtherDevicesWithUser ?? false;

    const seed = new secretsmanager.Secret(this, 'Seed', {
      description: `Seed of the virtual MFA device of IAM user ${userName}`,
      encryptionKey,
    });
    this.seedSecret = seed;
    const cfnSeed = seed.node.defaultChild as secretsmanager.CfnSecret;
    // The secret starts empty: it has a value only once a seed is stored.
    cfnSeed.generateSecretString = undefined;

    const properties: Record<keyof VirtualMfaDeviceProperties, unknown> = {
      UserName: userName,
      SeedSecretArn: seed.secretArn,
      VirtualMFADeviceName: existing ? undefined : this.physicalName,
      Path: props.path,
      Issuer: props.issuer,
      RotationId: props.rotationId,
      Existing: existing && adopted(existing, cfnSeed),
      RemoveOtherDevicesWithUser: removesOthers ? logicalIdIfDeleted(props.user) : undefined,
      Tags: this.cdkTagManager.renderedTags,
    };
    const resource = new CustomResource(this, 'Resource', {
      resourceType: VIRTUAL_MFA_DEVICE_RESOURCE_TYPE,
      serviceToken: provider.serviceToken,
      // Longer than the function's timeout together with the two runs that Lambda makes after a crash.
      serviceTimeout: Duration.minutes(20),
      properties,
    });
    const cfnResource = resource.node.defaultChild as CfnResource;
    rememberProperties(cfnResource, properties);
    const source = existing && {
      [EXISTING_SEED_TAG]: existing.seed.secretArn,
      [EXISTING_SEED_FIELD_TAG]: existing.seedField ?? '',
    };
    markOwner(cfnSeed, { [LOGICAL_ID_TAG]: cfnResource.logicalId, [USER_NAME_TAG]: userName, ...source });
    resource.node.addDependency(
      userDependency(props.user, cfnResource, (construct) => construct instanceof VirtualMfaDevice),
      ...provider.serve(props.user, removesOthers),
    );
    this.node.defaultChild = cfnResource;
    if (props.rotation === undefined) {
      acknowledgeNoRotationSchedule(
        seed,
        'The seed of a person, who would have to scan it anew: a new rotationId replaces it.',
      );
    } else {
      provider.rotate(seed, cfnResource, props.rotation);
    }
    this.node.addValidation({ validate: () => deviceReferenceProblems(cfnResource, cfnSeed, props.user) });
    // The function keeps an adopted device, and frees it for others: CloudFormation has to tell it when the device leaves.
    this.retainable = existing ? [cfnSeed] : [cfnResource, cfnSeed];
    this.node.addValidation({ validate: () => (existing ? retentionProblems(cfnResource) : []) });
    const byDefault = existing ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
    this.applyRemovalPolicy(props.removalPolicy ?? byDefault);

    this.serialNumber = this.getResourceArnAttribute(resource.ref, {
      service: 'iam',
      region: '',
      resource: 'mfa',
      resourceName: `${(path ?? '/').slice(1)}${this.physicalName}`,
    });
    const name: keyof VirtualMfaDeviceAttributes = 'VirtualMFADeviceName';
    this.virtualMfaDeviceName = this.getResourceNameAttribute(resource.getAttString(name));
  }

  public get virtualMfaDeviceRef(): iam.VirtualMFADeviceReference {
    return { serialNumber: this.serialNumber };
  }

  /**
   * A Lambda function that returns the current code of this device, and never its seed. Its ARN names an alias that belongs to
   * this device. Using this property adds the alias to the stack, and the function with the first device.
   *
   * The function ignores the payload. It returns JSON with the members `code` (six digits, accepted once), `secondsLeft`,
   * `serialNumber` and `userName`.
   */
  public get codeFunction(): lambda.IFunction {
    this.codeAlias ??= CodeFunction.of(this).aliasFor(this, this.seedSecret, this.allowKeyOfAnotherAccount);
    return this.codeAlias;
  }

  /**
   * Lets a principal get current codes of this device, without its seed: the principal may invoke `codeFunction`.
   *
   * With a code and the user's password or access key, the principal can sign in as the user. Removing the grant ends that,
   * whereas a seed that somebody has read works until you rotate the device.
   *
   * @param grantee the principal, such as a role
   *
   * @example
   * const stack = new Stack(new App(), 'Robots');
   * const robot = new iam.User(stack, 'Robot');
   * const mfa = new VirtualMfaDevice(stack, 'RobotMfa', { user: robot });
   * const runner = new iam.Role(stack, 'Runner', { assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com') });
   *
   * mfa.grantCode(runner);
   * new CfnOutput(stack, 'RobotCodeFunctionArn', { value: mfa.codeFunction.functionArn });
   */
  public grantCode(grantee: iam.IGrantable): iam.Grant {
    return this.codeFunction.grantInvoke(grantee);
  }

  /**
   * Applies the policy to the device and its seed. A replaced device is always deleted.
   *
   * @param policy what happens to the device and its seed when they leave the stack
   */
  public override applyRemovalPolicy(policy: RemovalPolicy): void {
    for (const resource of this.retainable) {
      resource.applyRemovalPolicy(policy, { applyToUpdateReplacePolicy: false });
      resource.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.DELETE;
    }
  }
}

/**
 * These tags name the secret's stack and device. The handler's role may use only secrets of its own stack, and the handler
 * stores a seed only in the secret of the seed's device. Set here with the highest priority, so no aspect overrides them.
 */
function markOwner(seed: secretsmanager.CfnSecret, owner: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries({ [STACK_ID_TAG]: Stack.of(seed).stackId, ...owner })) {
    seed.tags.setTag(key, value, Number.MAX_SAFE_INTEGER);
  }
}

/** What the function is told of a device to adopt. */
function adopted({ serialNumber, seed, seedField }: ExistingVirtualMfaDevice, cfnSeed: secretsmanager.CfnSecret) {
  // Follows the secret, whose policy an aspect may set: a device whose seed is deleted would be of no use.
  const isDeleted = (): boolean => cfnSeed.cfnOptions.deletionPolicy === CfnDeletionPolicy.DELETE;
  const properties: Record<keyof ExistingVirtualMfaDeviceProperties, unknown> = {
    SerialNumber: serialNumber,
    SeedSecretArn: seed.secretArn,
    SeedField: seedField,
    DeleteDevice: Lazy.any({ produce: () => (isDeleted() ? 'true' : undefined) }),
  };
  return properties;
}

/** CloudFormation must tell the function when an adopted device leaves the stack. */
function retentionProblems({ cfnOptions: { deletionPolicy } }: CfnResource): string[] {
  return deletionPolicy === undefined || deletionPolicy === CfnDeletionPolicy.DELETE
    ? []
    : [
        `removalPolicy: an aspect has set DeletionPolicy ${deletionPolicy} on the resource of an existing device; allowed: none, because ` +
          'the function keeps the device, and takes its tags away. Leave this resource out of the aspect.',
      ];
}

/** Often only the partition or the account is a token, and path and name are readable. */
function readablePartsOf(serialNumber: string): { readonly path: string; readonly name: string } | undefined {
  const [, path, name] = /:mfa(\/(?:.+\/)?)([\w+=,.@-]+)$/.exec(serialNumber) ?? [];
  return path === undefined || name === undefined ? undefined : { path, name };
}

function nameIn(serialNumber: string): string {
  return readablePartsOf(serialNumber)?.name ?? Token.asString(Arn.extractResourceName(serialNumber, 'mfa'));
}
