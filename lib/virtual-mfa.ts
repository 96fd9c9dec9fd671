import { aws_iam as iam, Mixin, Stack } from 'aws-cdk-lib';
import { Construct, type IConstruct } from 'constructs';
import { cfnUserOf } from './private/cfn-user';
import { devicesOf, isMadeByMixin, rememberMadeByMixin } from './private/declared-devices';
import { ValidationError } from './private/validation-error';
import { VirtualMfaDevice } from './virtual-mfa-device';
import { type VirtualMfaDeviceOptions } from './virtual-mfa-device-options';

const excludedScopes = new WeakSet<IConstruct>();
const optionsOfScopes = new WeakMap<IConstruct, VirtualMfaDeviceOptions>();

/**
 * Gives a virtual MFA device to each IAM user that the app declares in a scope, as an L2 `User` or an L1 `CfnUser`.
 *
 * Choose the users to give a device to:
 *
 * - One user: `bob.with(new VirtualMfa())`.
 * - Every user declared so far, also in stages and nested stacks: `Mixins.of(app).apply(new VirtualMfa())`.
 * - Every user of a stack, also those declared later: `Aspects.of(stack).add(Shims.asAspect(new VirtualMfa()))`. The aspect
 *   acts at synthesis. Like every aspect, it does not reach into the stages below its scope.
 *
 * The mixin skips users who already have a device in this app, so you can apply it again. It also skips imported users: this
 * app does not declare them, and may import one several times. Declare their devices with `VirtualMfaDevice`.
 *
 * The device sits beside the user, in the user's stack. Its id is the user's id followed by `VirtualMfa`. Declaring the
 * device with `VirtualMfaDevice` instead replaces it.
 *
 * @see https://docs.aws.amazon.com/cdk/v2/guide/mixins.html
 *
 * @example
 * const stack = new Stack(new App(), 'Staff');
 * new iam.User(stack, 'Alice');
 * VirtualMfa.exclude(new iam.User(stack, 'Robot'));
 *
 * // Every user of the stack, also those declared after this line.
 * Aspects.of(stack).add(Shims.asAspect(new VirtualMfa({ issuer: 'Example Corp' })));
 */
export class VirtualMfa extends Mixin {
  /**
   * Makes every `VirtualMfa` skip the users in a scope.
   *
   * @param scope a user, or a scope with users
   * @throws if a mixin has already made a device in the scope: exclude the scope before you apply the mixin
   */
  public static exclude(scope: IConstruct): void {
    requireNoDeviceOfMixin(scope, 'exclude', 'Exclude the scope');
    excludedScopes.add(scope);
  }

  /**
   * Sets options for the users in a scope. They override the options of every `VirtualMfa`, one by one: the others stay. Options
   * of an inner scope override those of an outer one. `undefined` overrides nothing.
   *
   * Use it to rotate the device of one user.
   *
   * @param scope a user, or a scope with users
   * @param options the options that differ
   * @throws if a mixin has already made a device in the scope: set the options before you apply the mixin
   *
   * @example
   * const stack = new Stack(new App(), 'Staff');
   * const bob = new iam.User(stack, 'Bob');
   * new iam.User(stack, 'Alice');
   * Aspects.of(stack).add(Shims.asAspect(new VirtualMfa({ issuer: 'Example Corp' })));
   *
   * // Bob lost his phone. His new device keeps the issuer.
   * VirtualMfa.configure(bob, { rotationId: '2026-01' });
   */
  public static configure(scope: IConstruct, options: VirtualMfaDeviceOptions): void {
    requireNoDeviceOfMixin(scope, 'configure', 'Set the options');
    optionsOfScopes.set(scope, overridden([optionsOfScopes.get(scope), options]));
  }

  /**
   * Returns the first device declared for a user, by a mixin or by hand. Returns undefined if there is none, for an
   * imported user, and before synthesis for a device that an aspect will make.
   *
   * @param user a user that this app declares
   */
  public static deviceOf(user: iam.IUserRef): VirtualMfaDevice | undefined {
    return devicesOf(user).find((device) => device instanceof VirtualMfaDevice);
  }

  private readonly options: VirtualMfaDeviceOptions;

  /**
   * @param options options for every device that this mixin makes
   */
  public constructor(options: VirtualMfaDeviceOptions = {}) {
    super();
    this.options = options;
  }

  /**
   * Returns whether the construct is a user that the app declares: an L2 `User`, or an L1 `CfnUser` with or without an L2.
   *
   * @param construct any construct
   */
  public override supports(construct: IConstruct): boolean {
    return isUser(construct);
  }

  /**
   * Makes a device, unless the user already has one in this app or is excluded.
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
    // Those of the L1: exclusions and options of the L1 alone count even if the L2 is visited first.
    const { scopes } = (cfnUserOf(construct) ?? construct).node;
    if (devicesOf(construct).length > 0 || scopes.some((scope) => excludedScopes.has(scope))) {
      return;
    }
    const user = l2Of(construct) ?? construct;
    const options = overridden([this.options, ...scopes.map((scope) => optionsOfScopes.get(scope))]);
    rememberMadeByMixin(new VirtualMfaDevice(...placeBeside(user), { ...options, user }));
  }
}

type DeclaredUser = iam.User | iam.CfnUser;

function isUser(construct: IConstruct): construct is DeclaredUser {
  return construct instanceof iam.User || construct instanceof iam.CfnUser;
}

function requireNoDeviceOfMixin(scope: IConstruct, method: string, remedy: string): void {
  const users = scope.node.findAll().filter(isUser);
  const device = users.flatMap(devicesOf).find(isMadeByMixin);
  if (device !== undefined) {
    throw new ValidationError(
      scope,
      `${method}: got a scope with a user to whom VirtualMfa has already given the device ${device.node.path}; ` +
        `allowed: scopes to which it has not been applied. ${remedy} before you apply the mixin.`,
    );
  }
}

/** Each option, from the last of the sets that has it. */
function overridden(sets: readonly (VirtualMfaDeviceOptions | undefined)[]): VirtualMfaDeviceOptions {
  const given = sets.flatMap((set = {}) => Object.entries(set).filter(([, value]) => value !== undefined));
  return Object.fromEntries(given);
}

/** The L2 holds what the device must wait for, such as the user's policies. */
function l2Of(user: DeclaredUser): iam.User | undefined {
  const { scope } = user.node;
  return scope instanceof iam.User && cfnUserOf(scope) === user ? scope : undefined;
}

/** Beside the user, not inside it: what depends on the user would depend on the device too, and the device may need it. */
function placeBeside(user: DeclaredUser): [scope: Construct, id: string] {
  const scope = user.node.scope instanceof Construct ? user.node.scope : Stack.of(user);
  const id = `${user.node.id}VirtualMfa`;
  if (scope.node.tryFindChild(id) !== undefined) {
    throw new ValidationError(
      user,
      `VirtualMfa: got ${scope.node.path}/${id}, which already exists and is not a device of this user; allowed: no ` +
        'construct with the id that the device needs. Rename that construct, exclude the user, or declare a VirtualMfaDevice.',
    );
  }
  return [scope, id];
}
