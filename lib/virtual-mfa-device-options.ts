import {
  type aws_kms as kms,
  type aws_secretsmanager as secretsmanager,
  type Duration,
  type RemovalPolicy,
} from 'aws-cdk-lib';

/** A rotation on a schedule. */
export interface VirtualMfaDeviceRotation {
  /**
   * How long a seed is used: 4 hours to 999 days, in whole hours. Secrets Manager counts from the last rotation, and rotates on the
   * day or in the hour when the time is over.
   *
   * A change is made in place, and rotates nothing at once.
   *
   * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
   */
  readonly automaticallyAfter: Duration;
}

/** A virtual MFA device that somebody else has made, and its seed. */
export interface ExistingVirtualMfaDevice {
  /**
   * The serial number of the device: its ARN, `arn:<partition>:iam::<account>:mfa/<path and name>`, in the stack's account.
   *
   * A change replaces the device.
   *
   * A hardware token or a passkey cannot be adopted, because nobody can read its seed.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
   */
  readonly serialNumber: string;

  /**
   * The secret that holds the seed: base32 text of 26 to 256 characters, in capital or small letters, with or without spaces and
   * hyphens. The function's role may read it. The function copies the seed into `seedSecret` when it adopts the device, and reads it again
   * only if that copy is lost. The template names the secret, and never its value.
   *
   * A stack takes ten such secrets, of its own region. One secret can hold many seeds, as JSON: see `seedField`. If the secret has a KMS key of
   * its own, import it with `Secret.fromSecretAttributes`, which takes `encryptionKey`: the function may not decrypt it otherwise.
   *
   * A change is made in place, and changes nothing for a device that has been adopted.
   */
  readonly seed: secretsmanager.ISecret;

  /**
   * The name of the member that holds the seed, if the secret's value is JSON: 1 to 256 letters, digits, spaces and any of `_.:/=+-@`.
   * If the value has no such member, the deployment fails.
   *
   * A change is made in place.
   *
   * @default - the whole value is the seed
   */
  readonly seedField?: string;
}

/** Options of a device that do not depend on its user. */
export interface VirtualMfaDeviceOptions {
  /**
   * The path of the device: `/`, or text of up to 512 characters that begins and ends with `/`.
   *
   * Not with `existing`. A change replaces the device.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
   *
   * @default /
   */
  readonly path?: string;

  /**
   * The KMS key that encrypts the seed, in the stack's region and account. An alias works if the app knows its key; the secret
   * then names the key.
   *
   * The function may use the key only through Secrets Manager. If the key comes from outside this app, its policy must let
   * the account's IAM policies grant access, as the default key policy does.
   *
   * A change is made in place: Secrets Manager re-encrypts the stored seed.
   *
   * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
   *
   * @default - the AWS managed key aws/secretsmanager
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * Whether `encryptionKey`, and the key of the secret in `existing`, may belong to another account. The key's policy must then
   * allow the function's role to use it. That account can make the seed unreadable, and sees each use of the key.
   *
   * If this is `false`, synthesis rejects a key that it knows to be of another account. If it does not know both accounts, the
   * secret and the function's role name the key with that id in the stack's own account. If the key belongs to another
   * account, no such key exists: the deployment fails, and the other account never gets the seed.
   *
   * A change is made in place.
   *
   * @default false
   */
  readonly allowKeyOfAnotherAccount?: boolean;

  /**
   * The issuer that an authenticator app shows beside the account: 1 to 128 characters, no colon.
   *
   * A change is made in place, in the stored key URI. An app that has the seed already keeps the old label.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_VirtualMFADevice.html
   * @see https://www.rfc-editor.org/rfc/rfc6238
   *
   * @default Amazon Web Services
   */
  readonly issuer?: string;

  /**
   * Any text of 1 to 256 characters, such as a date. Any change replaces the device and its seed. The new device is
   * enabled before the old one is deleted, so the user needs room for both.
   *
   * If the device has an explicit name and keeps it, a change fails the deployment. Not with `existing`.
   *
   * For people: they scan the new QR code after the deployment. For robots, see `rotation`.
   *
   * @default - no deployment rotates the device
   */
  readonly rotationId?: string;

  /**
   * Gives the device a new seed on a schedule, and keeps its serial number. For robots, which read the seed or get their codes
   * whenever they sign in: a person would have to scan a QR code each time.
   *
   * Secrets Manager starts the rotation. For a minute or two the user has a second device, the bridge, whose name is the device's
   * with `-bridge`: name and path need room for these 7 characters, and a user with eight devices cannot be rotated. At every moment
   * the secret's current seed belongs to an enabled device, so read the seed and the serial number from the secret together, and read
   * both again if AWS refuses the code.
   *
   * A rotation that fails leaves a device that works, and the next one goes on from there. Nothing is rotated at once.
   *
   * A change is made in place.
   *
   * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html
   *
   * @default - no schedule
   */
  readonly rotation?: VirtualMfaDeviceRotation;

  /**
   * What happens to the device and its seed when they leave the stack. `RETAIN` keeps both, and the device stays enabled.
   * Retain the user too: IAM does not delete a user who has a device.
   *
   * `RETAIN` does not apply to a replacement, such as a rotation: the old device is always deleted. Otherwise a user would
   * keep a device whose seed nobody has any more.
   *
   * With `existing`, every policy but `DESTROY` leaves the device as it was found: one that was not enabled is deactivated.
   *
   * A change is made in place.
   *
   * @default - RemovalPolicy.DESTROY; with `existing`, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * Whether the user's other MFA devices, which somebody enabled by hand, go when the stack deletes the user. IAM does not
   * delete a user who has a device, so otherwise the deletion of the stack fails.
   *
   * Right before the user, the other devices are deactivated, and virtual ones are deleted. The function's log names each.
   * Nothing happens to them if the user stays: on a replacement of the device or of the user, on a rollback, if you remove
   * only the device or this option, or if the user has `RemovalPolicy.RETAIN`. Devices of other stacks, and of other
   * resources, stay too.
   *
   * The user must be declared in the device's stack, which keeps the option from touching users that outlive the stack.
   *
   * A change is made in place.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
   *
   * @default false
   */
  readonly removeOtherDevicesWithUser?: boolean;
}
