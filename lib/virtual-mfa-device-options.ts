import { type aws_kms as kms, type RemovalPolicy } from 'aws-cdk-lib';

/** What can be said of a device whoever its user is. */
export interface VirtualMfaDeviceOptions {
  /**
   * The path of the device: `/`, or text of up to 512 characters that begins and ends with `/`.
   *
   * A change replaces the device.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
   *
   * @default /
   */
  readonly path?: string;

  /**
   * The KMS key that encrypts the seed, of the stack's region and account; or an alias of a key that the app knows. The
   * handler may use it through Secrets Manager alone. The policy of a key from outside this app has to leave access to the
   * account's IAM policies, as KMS writes it by default.
   *
   * A change is made in place: Secrets Manager encrypts the stored seed anew.
   *
   * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
   *
   * @default - the AWS managed key aws/secretsmanager
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * Whether `encryptionKey` may be a key of another account. Its policy has to allow the handler's role to use it. Who
   * holds the key can make the seed unreadable, and sees each use of it.
   *
   * While this is `false`, a key that is known to be of another account is refused at synthesis, and one that turns out
   * to be of another account fails the deployment: the handler's role may not use it.
   *
   * A change is made in place.
   *
   * @default false
   */
  readonly allowKeyOfAnotherAccount?: boolean;

  /**
   * Who issues the codes, as an authenticator app shows it beside the account: 1 to 128 characters, no colon.
   *
   * A change is made in place, in the stored key URI; an app that has the seed already keeps the old label.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_VirtualMFADevice.html
   * @see https://www.rfc-editor.org/rfc/rfc6238
   *
   * @default Amazon Web Services
   */
  readonly issuer?: string;

  /**
   * Any text of 1 to 256 characters, a date for example. It has no meaning but its change: that replaces the device,
   * and with it the seed. The new device is enabled before the old one goes, so the user needs room for both.
   *
   * Refused when it is deployed, if the device has an explicit name and keeps it.
   *
   * @default - the device is never rotated
   */
  readonly rotationId?: string;

  /**
   * What happens to the device and its seed when they leave the stack. `RETAIN` keeps both, the device still enabled:
   * IAM does not delete a user who has one.
   *
   * It does not hold for a replacement, such as a rotation: the old device is always deleted then, for a user must not
   * keep a device whose seed nobody has any more.
   *
   * A change is made in place.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}
