import { type aws_iam as iam } from 'aws-cdk-lib';
import { type IConstruct } from 'constructs';
import { cfnUserOf } from './cfn-user';
import { ValidationError } from './validation-error';

const devicesByUser = new WeakMap<iam.CfnUser, IConstruct[]>();
const devicesOfMixins = new WeakSet<IConstruct>();

/** The devices that are declared for a user so far, in whichever stack; none for an imported user. */
export function devicesOf(user: iam.IUserRef): readonly IConstruct[] {
  const cfnUser = cfnUserOf(user);
  return (cfnUser && devicesByUser.get(cfnUser)) ?? [];
}

/**
 * Remembers a device by the user it is for, if this app declares the user.
 *
 * @throws ValidationError when a mixin has given the user a device before: had this device been there first, the mixin
 * would have passed the user over, and an app must not depend on that order without knowing.
 */
export function rememberDevice(user: iam.IUserRef, device: IConstruct): void {
  const cfnUser = cfnUserOf(user);
  if (cfnUser === undefined) {
    return;
  }
  const earlier = devicesOf(cfnUser);
  const ofMixin = earlier.find(isMadeByMixin);
  if (ofMixin !== undefined) {
    throw new ValidationError(
      device,
      `user: got ${cfnUser.node.path}, whom VirtualMfa has given the device ${ofMixin.node.path} already; ` +
        'allowed: users without a device of a mixin. Declare this device before the mixin is applied, or apply the ' +
        'mixin as an aspect, and it passes the user over.',
    );
  }
  devicesByUser.set(cfnUser, [...earlier, device]);
}

/** Remembers that nobody declared the device but a mixin. */
export function rememberMadeByMixin(device: IConstruct): void {
  devicesOfMixins.add(device);
}

export function isMadeByMixin(device: IConstruct): boolean {
  return devicesOfMixins.has(device);
}
