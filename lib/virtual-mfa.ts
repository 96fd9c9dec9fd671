import { aws_iam as iam, Mixin, Stack } from 'aws-cdk-lib';
import { Construct, type IConstruct } from 'constructs';
import { cfnUserOf } from './private/cfn-user';
import { devicesOf, isMadeByMixin, rememberMadeByMixin } from './private/declared-devices';
import { ValidationError } from './private/validation-error';
import { VirtualMfaDevice } from './virtual-mfa-device';
import { type VirtualMfaDeviceOptions } from './virtual-mfa-device-options';

const excludedScopes = new WeakSet<IConstruct>();

/**
 * A virtual MFA device for each IAM user that is declared in a scope, as an L2 `User` or an L1 `CfnUser`.
 *
 * A user who has a device in this app already is passed over, so that the mixin can be applied again, and to a scope
 * where some users have devices of their own. Imported users are passed over too: this app does not declare them, and
 * may import one several times. Declare their devices with `VirtualMfaDevice`.
 *
 * `bob.with(new VirtualMfa())` gives a device to one user, and `Mixins.of(app).apply(new VirtualMfa())` to every user who
 * is declared at that time, in stages and nested stacks too. `Aspects.of(stack).add(Shims.asAspect(new VirtualMfa()))`
 * waits for synthesis, when all users are declared; like every aspect it does not reach into the stages below its scope.
 *
 * The device is made beside the user, in the user's stack, with the user's id and `VirtualMfa`. To declare it by hand
 * later replaces it.
 *
 * @see https://docs.aws.amazon.com/cdk/v2/guide/mixins.html
 */
export class VirtualMfa extends Mixin {
  /**
   * Keeps every `VirtualMfa` from the users in a scope, which may be a user itself.
   *
   * @param scope what is passed over, with everything in it
   * @throws when a mixin has made a device in the scope already: exclude the scope before the mixin is applied
   */
  public static exclude(scope: IConstruct): void {
    const users = scope.node.findAll().filter(isUser);
    const device = users.flatMap(devicesOf).find(isMadeByMixin);
    if (device !== undefined) {
      throw new ValidationError(
        scope,
        `exclude: got a scope with a user to whom VirtualMfa has given the device ${device.node.path} already; ` +
          'allowed: scopes that it was not applied to. Exclude the scope before you apply the mixin.',
      );
    }
    excludedScopes.add(scope);
  }

  /**
   * The first device that is declared for a user, by a mixin or by hand. Undefined where there is none, which is also so
   * for an imported user, and for a device that an aspect will make at synthesis.
   *
   * @param user a user that this app declares
   */
  public static deviceOf(user: iam.IUserRef): VirtualMfaDevice | undefined {
    const [device] = devicesOf(user);
    return device;
  }

  private readonly options: VirtualMfaDeviceOptions;

  /**
   * @param options what holds for all devices that this mixin makes
   */
  public constructor(options: VirtualMfaDeviceOptions = {}) {
    super();
    this.options = options;
  }

  /**
   * Whether the construct is a user that the app declares: an L2 `User`, or an L1 `CfnUser`, of an L2 or by itself.
   *
   * @param construct any construct
   */
  public override supports(construct: IConstruct): boolean {
    return isUser(construct);
  }

  /**
   * Makes the device, unless the user has one in this app or is excluded.
   *
   * @param construct a user that the app declares
   */
  public override applyTo(construct: IConstruct): void {
    if (!isUser(construct)) {
      throw new ValidationError(
        construct,
        'VirtualMfa: got a construct of another kind; allowed: users that the app declares, User and CfnUser. ' +
          'Apply the mixin with `with` or `Mixins.of`, which find them; give an imported user a VirtualMfaDevice.',
      );
    }
    if (devicesOf(construct).length > 0 || construct.node.scopes.some((scope) => excludedScopes.has(scope))) {
      return;
    }
    const user = l2Of(construct) ?? construct;
    rememberMadeByMixin(new VirtualMfaDevice(...placeBeside(user), { ...this.options, user }));
  }
}

type DeclaredUser = iam.User | iam.CfnUser;

function isUser(construct: IConstruct): construct is DeclaredUser {
  return construct instanceof iam.User || construct instanceof iam.CfnUser;
}

/** The L2 holds what the device has to wait for: the user's policies, for example. */
function l2Of(user: DeclaredUser): iam.User | undefined {
  const { scope } = user.node;
  return scope instanceof iam.User && cfnUserOf(scope) === user ? scope : undefined;
}

/** Beside the user and not in it: what depends on the user must not depend on the device by that, which may need it. */
function placeBeside(user: DeclaredUser): [scope: Construct, id: string] {
  const scope = user.node.scope instanceof Construct ? user.node.scope : Stack.of(user);
  const id = `${user.node.id}VirtualMfa`;
  if (scope.node.tryFindChild(id) !== undefined) {
    throw new ValidationError(
      user,
      `VirtualMfa: got ${scope.node.path}/${id}, which is there already and no device of this user; allowed: no ` +
        'construct of the name that the device needs. Rename that construct, exclude the user, or declare a VirtualMfaDevice.',
    );
  }
  return [scope, id];
}
