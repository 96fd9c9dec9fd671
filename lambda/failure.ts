import { kindOf } from './contract/property-rules';

/**
 * Why the custom resource failed, in the words that a person reads in the CloudFormation console: one sentence what happened,
 * one sentence what to do. Holds no seed and no code.
 */
export class Failure extends Error {
  constructor(
    readonly whatHappened: string,
    readonly whatToDo: string,
    options?: ErrorOptions,
  ) {
    super(`${whatHappened} ${whatToDo}`, options);
    this.name = 'Failure';
  }
}

/** A call that the role's policies, or a policy above them, do not allow. */
export class AccessDeniedFailure extends Failure {}

/** The secret for the seed is not there, or not any more. */
export class SecretGoneFailure extends Failure {}

/** A later request of the resource decides. */
export class SupersededFailure extends Failure {}

/** AWS may do later what it has refused until now. */
export class TimeRanOutFailure extends Failure {}

/**
 * Every failure that the handler answers with. docs/errors.md lists them, and a test holds the list to this table.
 */
export const failures = {
  invalidEvent: (member: string, allowed: string) =>
    new Failure(
      `The event's ${member} is not valid; allowed: ${allowed}.`,
      'Only CloudFormation and the schedule of a VirtualMfaWatch should invoke this function; nothing was created, changed or answered.',
    ),

  invalidProperty: (name: string, got: unknown, allowed: string) =>
    new Failure(
      `The property ${name} is not valid: got ${kindOf(got)}; allowed: ${allowed}.`,
      'Correct the value and deploy again; nothing was created or changed.',
    ),

  serialNumberTooLong: (length: number, max: number) =>
    new Failure(
      `The device's serial number would have ${length} characters; IAM allows ${max}.`,
      'Shorten the path or the device name and deploy again; nothing was created or changed.',
    ),

  notOurDevice: (serialNumber: string) =>
    new Failure(
      `The virtual MFA device ${serialNumber} exists already and is not this resource's: its ownership tags are absent or name another resource, so it was not touched.`,
      'Choose another virtualMfaDeviceName, or leave it out to have one computed; or delete that device if nobody needs it.',
    ),

  existingDeviceAbsent: (serialNumber: string) =>
    new Failure(
      `There is no virtual MFA device ${serialNumber} to adopt.`,
      'Correct existing.serialNumber (aws iam list-virtual-mfa-devices shows the serial numbers), or remove existing to have a device made.',
    ),

  existingDeviceOfAnother: (serialNumber: string) =>
    new Failure(
      `The virtual MFA device ${serialNumber} was not adopted: its tags say that it belongs to another resource.`,
      'If that resource adopted the device, remove it there, and the device is free. If that resource made it, retain it there (RemovalPolicy.RETAIN), remove it, and then take its tags away (aws iam untag-mfa-device, the keys that begin with cdk-iam-virtual-mfa:).',
    ),

  existingSeedWrong: (serialNumber: string, userName: string) =>
    new Failure(
      `IAM refused the codes of the seed that existing.seed holds, in several time steps: it is not the seed of the device ${serialNumber}.`,
      `Put the right seed into that secret and deploy again. If nobody has it, remove existing to have a new device made for the user ${userName}.`,
    ),

  existingSeedNotThere: (secretArn: string) =>
    new Failure(
      `The secret ${secretArn} of existing.seed has no value, or was deleted.`,
      "Put the device's seed into it, and deploy again.",
    ),

  existingSeedNotValid: (secretArn: string) =>
    new Failure(
      `The secret ${secretArn} of existing.seed holds no seed; allowed: text of 26 to 256 characters of base32, in the JSON member existing.seedField if that is set.`,
      'Put the seed into it as the console or CreateVirtualMFADevice showed it, and deploy again. If the value is JSON, name the member with existing.seedField.',
    ),

  existingSeedDenied: (secretArn: string) =>
    new AccessDeniedFailure(
      `The function's role may not read the secret ${secretArn} of existing.seed, or its key, or there is no such secret.`,
      "Check the secret's name and region. If it has a KMS key of its own, import it with Secret.fromSecretAttributes, which takes secretCompleteArn and encryptionKey.",
    ),

  seedOfEnabledDeviceLost: (serialNumber: string, userName: string) =>
    new Failure(
      `The device ${serialNumber} is enabled for the user ${userName}, but its seed is not in this resource's secret, and IAM gives out a seed only once.`,
      'Give a new rotationId (or another virtualMfaDeviceName) to get a new device with a new seed, or deactivate and delete this one by hand.',
    ),

  enabledForAnotherUser: (serialNumber: string, userName: string) =>
    new Failure(
      `The device ${serialNumber} is enabled already, but not for the user ${userName}.`,
      'Deactivate it where it is enabled (aws iam list-virtual-mfa-devices --assignment-status Assigned shows for whom), or give a new rotationId.',
    ),

  stillEnabled: (serialNumber: string, userName: string) =>
    new Failure(
      `The device ${serialNumber} is still enabled for the user ${userName}, although IAM accepted the request to deactivate it.`,
      'Deactivate it by hand (aws iam deactivate-mfa-device) and try again.',
    ),

  sameNameReplacement: (serialNumber: string) =>
    new Failure(
      `The change needs a new device, but virtualMfaDeviceName or existing gives it the serial number of the old one, ${serialNumber}.`,
      'Give another virtualMfaDeviceName together with the change, or leave it out; the old device was not touched. For a new seed alone, set rotation, and run aws secretsmanager rotate-secret. To give an adopted device to another user, remove it from the stack, deploy, and declare it again.',
    ),

  tooManyDevices: (userName: string, serialNumbers: readonly string[]) =>
    new Failure(
      `The user ${userName} has ${serialNumbers.length} MFA devices, and IAM allows 8 for each user: ${serialNumbers.join(', ')}.`,
      'Deactivate one that is not needed (aws iam deactivate-mfa-device) and deploy again.',
    ),

  userQuotaReached: (userName: string, count: number) =>
    new Failure(
      `IAM reports a quota as reached, although the user ${userName} has ${count} of the 8 MFA devices that IAM allows.`,
      "Compare the account's IAM quotas in Service Quotas, and deploy again.",
    ),

  tooManyDevicesInAccount: () =>
    new Failure(
      'The account has reached its quota of virtual MFA devices, assigned or not (by default 5000, the quota of users).',
      'Delete unassigned ones (aws iam list-virtual-mfa-devices --assignment-status Unassigned) or have the quota of users raised, and deploy again.',
    ),

  noSuchUser: (userName: string) =>
    new Failure(
      `IAM knows no user ${userName}.`,
      'Check the name and the account; create the user first, or declare it in the stack and pass the construct (in mfa-users.json, CreateUser).',
    ),

  codesRefused: (serialNumber: string) =>
    new Failure(
      `IAM refused the authentication codes of the device ${serialNumber} in several time steps.`,
      "Deploy again; if it happens again, look for something that changes the seed secret's value while the stack deploys.",
    ),

  seedNotOfDevice: (serialNumber: string) =>
    new Failure(
      `The device ${serialNumber} is enabled, but IAM refuses the codes of the seed that its tag cdk-iam-virtual-mfa:seed-version names, so the secret's current seed was left as it is.`,
      'Set the tag to the version of the secret that has the right seed (aws iam tag-mfa-device), or give a new rotationId.',
    ),

  deviceKeepsVanishing: (serialNumber: string) =>
    new Failure(
      `Someone else deleted the device ${serialNumber} while it was being enabled, and did so again each time it was recreated.`,
      'Look for a console enrollment (it deletes unassigned virtual devices) or a clean-up job, and deploy again.',
    ),

  notEnabledWithCurrentSeed: (serialNumber: string, userName: string) =>
    new Failure(
      `The device ${serialNumber} was not rotated: it is not enabled for the user ${userName}, or IAM refuses the codes of the secret's current seed.`,
      'See what is wrong (npx --no virtual-mfa verify), and repair it (npx --no virtual-mfa verify --repair, or deploy a change of the device). The next rotation is as scheduled, or at once with aws secretsmanager rotate-secret.',
    ),

  noSeedToRotate: (secretArn: string) =>
    new Failure(
      `The seed secret ${secretArn} was not rotated: its current value is no seed that this function has stored for the user whom its tags name.`,
      'Deploy a change of the device, such as a new rotationId, which stores a seed. The next rotation is as scheduled, or at once with aws secretsmanager rotate-secret.',
    ),

  notRotating: () =>
    new Failure(
      'Secrets Manager is not rotating this secret to the version that the event names, so nothing was changed.',
      'Only Secrets Manager should send such events; aws secretsmanager rotate-secret starts a rotation.',
    ),

  rotationOvertaken: () =>
    new Failure(
      'A deployment, or another rotation, has changed the device while this rotation was running.',
      'There is nothing to do: the current seed is the one that works. The next rotation is as scheduled, or at once with aws secretsmanager rotate-secret.',
    ),

  superseded: () =>
    new SupersededFailure(
      'Another event of this resource, such as the rollback of its stack, took over while this one was running.',
      'There is nothing to do: the later event decides. Deploy again if you still want the change.',
    ),

  seedSecretGone: (secretArn: string) =>
    new SecretGoneFailure(
      `The seed secret ${secretArn} was deleted or is scheduled for deletion, so no seed can be stored in it.`,
      'If the resource is not being deleted, restore the secret (aws secretsmanager restore-secret) and deploy again. If it is gone for good, remove the device from the stack, deploy, and declare it again.',
    ),

  seedSecretNotSeen: (secretArn: string) =>
    new SecretGoneFailure(
      `The seed secret ${secretArn} or its tag cdk-iam-virtual-mfa:stack-id was deleted: the function's role may not even describe the secret.`,
      'If the secret is gone for good, remove the device from the stack, deploy, and declare it again. You can also delete the stack as it is.',
    ),

  seedSecretOfAnother: (secretArn: string) =>
    new Failure(
      `The tags of the seed secret ${secretArn} do not name this resource and this user, so no device was enabled.`,
      "If somebody changed the secret's tags that begin with cdk-iam-virtual-mfa:, set them back and deploy again.",
    ),

  accessDenied: (action: string, message: string) =>
    new AccessDeniedFailure(
      `The function's role may not call ${action}: ${sentence(message)}`,
      'Look for a permissions boundary, a service control policy or a key policy that denies it. If an imported user has a path, import the user by ARN, which includes the path (User.fromUserArn; in mfa-users.json, UserPath).',
    ),

  timeRanOut: (action: string, lastError: string) =>
    new TimeRanOutFailure(
      `AWS kept refusing ${action} until the function's time ran out; the last answer was ${lastError}.`,
      'Deploy or delete the stack again later.',
    ),

  unexpected: (message: string) =>
    new Failure(
      `An AWS call failed: ${sentence(message)}`,
      "The function's log shows which call it was. Remove the cause and deploy again.",
    ),
} as const;

/** Adds what could not be undone. */
export function withRemains(failure: Failure, serialNumber: string, undoFailure: Failure): Failure {
  return new Failure(
    failure.whatHappened,
    `${failure.whatToDo} What this run did to the device ${serialNumber} could not be undone: ${undoFailure.whatHappened}`,
    { cause: failure },
  );
}

/** AWS ends only some of its messages with a period. */
function sentence(message: string): string {
  return /[.!?…]$/.test(message) ? message : `${message}.`;
}
