import type { Stats } from 'node:fs';
import { harmless } from './harmless';

/** What the exit codes mean; `--help` and the README list them. */
export const EXIT_CODES = {
  failed: { code: 1, meaning: 'AWS or this machine could not do it, or verify found a problem' },
  usage: { code: 2, meaning: 'the command line is wrong' },
  notFound: { code: 3, meaning: 'no such user, device or secret, or more than one matches' },
  accessDenied: { code: 4, meaning: 'a permission or the credentials are missing' },
  notAssigned: {
    code: 5,
    meaning: 'the device is not enabled for the user, or not for the user who signs the request',
  },
  clockOff: { code: 6, meaning: "this machine's clock differs from AWS's" },
  readableByOthers: { code: 7, meaning: 'others own the output file, or can read it' },
  interrupted: { code: 130, meaning: 'interrupted' },
} as const satisfies Record<string, { code: number; meaning: string }>;

export type FailureKind = keyof typeof EXIT_CODES;

/** A command that did not do its job: what happened, and what to do. No message contains a seed or a code. */
export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(
    readonly kind: FailureKind,
    whatHappened: string,
    remedy: string,
  ) {
    super(harmless(`${whatHappened} ${remedy}`));
    this.exitCode = EXIT_CODES[kind].code;
  }
}

/** Codes of the stored seed that AWS did not take, in several time steps. */
export class CodesRefused extends CommandFailure {}

/** Everything that can go wrong and is known to. */
export const failures = {
  noSuchUser: (userName: string) =>
    new CommandFailure(
      'notFound',
      `IAM knows no user ${userName}.`,
      'Check the name, the profile and the account: `npx --no virtual-mfa list` shows the users who have a device.',
    ),

  noDevice: (userName: string, others: readonly string[]) =>
    new CommandFailure(
      'notFound',
      `The user ${userName} has no device that cdk-iam-virtual-mfa manages` +
        `${others.length > 0 ? `, but others: ${others.join(', ')}` : ''}.`,
      'Declare one and deploy; if its stack is in another region, give --region. `npx --no virtual-mfa list` shows the devices that exist.',
    ),

  deviceMissing: (userName: string, stack: string, secretArn: string) =>
    new CommandFailure(
      'notFound',
      `The device of the user ${userName} is gone: the stack ${stack} made it, and somebody deleted it by hand. Its seed, in ${secretArn}, belongs to no device any more.`,
      'Set a new rotationId for this user (RotationId in mfa-users.json) and deploy: the stack makes a new device with a new seed. Then hand out the new QR code.',
    ),

  notEnrolled: (userName: string, stack: string) =>
    new CommandFailure(
      'notFound',
      `The device of the user ${userName} does not exist yet: its secret in the stack ${stack} has no seed.`,
      'Wait until the deployment ends. If it has ended, somebody overwrote or deleted the seed: set a new rotationId for this user and deploy.',
    ),

  noSuchCodeFunction: (functionArn: string) =>
    new CommandFailure(
      'notFound',
      `There is no function ${functionArn}.`,
      "Give the ARN of the device's codeFunction, which ends with the device's alias.",
    ),

  noCodeOf: (functionArn: string, message: string) =>
    new CommandFailure('failed', `The function ${functionArn} gave out no code. ${message}`, 'Its log says more.'),

  noSuchStack: (stack: string, region: string, known: readonly string[]) =>
    new CommandFailure(
      'notFound',
      `No stack ${stack} in ${region} has devices that cdk-iam-virtual-mfa manages.`,
      known.length > 0 ? `Give one of these stacks: ${known.join(', ')}.` : 'Give the region of the stack (--region).',
    ),

  severalDevices: (userName: string, serialNumbers: readonly string[]) =>
    new CommandFailure(
      'notFound',
      `The user ${userName} has ${serialNumbers.length} devices: ${serialNumbers.join(', ')}.`,
      'Give the serial number of one instead of the user.',
    ),

  noSuchDevice: (serialNumber: string) =>
    new CommandFailure(
      'notFound',
      `IAM knows no device ${serialNumber}.`,
      'It may have been replaced: `npx --no virtual-mfa list` shows the devices that exist.',
    ),

  severalSecrets: (serialNumber: string, secretArns: readonly string[]) =>
    new CommandFailure(
      'notFound',
      `Several secrets claim to hold the seed of ${serialNumber}: ${secretArns.join(', ')}.`,
      "At most one of them is the construct's: find out who made the others. Meanwhile, give the ARN of the right one instead of the user or the device.",
    ),

  secretNotListed: (serialNumber: string, region: string) =>
    new CommandFailure(
      'notFound',
      `No secret with the seed of ${serialNumber} is listed in ${region}.`,
      'After a deployment or a rotation, AWS takes up to five minutes to list it: wait, or give the ARN of the secret. If it was deleted, deploy with a new rotationId.',
    ),

  seedOfAnother: (secretArn: string, expected: string, recorded: string) =>
    new CommandFailure(
      'failed',
      `The secret ${secretArn} has the seed of ${recorded}, not of ${expected}.`,
      "Somebody changed the tags of the device or of the secret, or the secret's value. The seed was not shown. Find out who did it, and deploy with a new rotationId.",
    ),

  notManaged: (serialNumber: string) =>
    new CommandFailure(
      'notFound',
      `The device ${serialNumber} is not one that cdk-iam-virtual-mfa manages: it does not have the tags.`,
      'If its seed is in a secret of the same form, give the ARN of the secret.',
    ),

  noSuchSecret: (what: string) =>
    new CommandFailure(
      'notFound',
      `There is no secret ${what}.`,
      'It may have been deleted, or scheduled for deletion (aws secretsmanager restore-secret). Deploy with a new rotationId to get a new device and a new seed.',
    ),

  noSeedIn: (secretArn: string) =>
    new CommandFailure(
      'notFound',
      `The secret ${secretArn} holds no seed of a device: its value is not JSON with serialNumber, userName, seed and otpauthUri.`,
      'Give the secret of a VirtualMfaDevice. If somebody changed its value, deploy with a new rotationId.',
    ),

  notAssigned: (serialNumber: string, userName: string) =>
    new CommandFailure(
      'notAssigned',
      `The device ${serialNumber} exists, but is not enabled for the user ${userName}.`,
      `Somebody deactivated it. \`npx --no virtual-mfa verify ${userName} --repair\` enables it again, with the seed it has; so does a deployment with any change to the device.`,
    ),

  foreignSession: (serialNumber: string, userName: string, caller: string) =>
    new CommandFailure(
      'notAssigned',
      `STS does not accept codes of ${serialNumber} from ${caller}.`,
      `The device must be enabled for the caller: sign with an access key of the user ${userName} (--profile). \`npx --no virtual-mfa verify ${userName}\` shows whether the device is enabled.`,
    ),

  unknownToSts: (serialNumber: string, userName: string) =>
    new CommandFailure(
      'failed',
      `STS accepts no code of ${serialNumber} from the user ${userName}, even after a wait for the next three minutes.`,
      `Another process may be using up the nine codes that STS verifies in three minutes: stop it, and try again. \`npx --no virtual-mfa verify ${userName}\` shows whether the device is enabled.`,
    ),

  accessDenied: (action: string, resource: string, message: string, alternative = '') =>
    new CommandFailure(
      'accessDenied',
      `AWS denied ${action} on ${resource}: ${sentence(message)}`,
      `Allow it for these credentials, or choose others (--profile; for the seed of a session, --seed-profile).${alternative && ` ${alternative}`}`,
    ),

  keyDenied: (secretArn: string, keyId: string) =>
    new CommandFailure(
      'accessDenied',
      `AWS denied kms:Decrypt on the key of the secret ${secretArn}, ${keyId}.`,
      'Allow it in the policies of these credentials and in the policy of the key (seedSecret.grantRead does both), or choose other credentials (--profile; for the seed of a session, --seed-profile).',
    ),

  keyUnusable: (secretArn: string, message: string) =>
    new CommandFailure(
      'failed',
      `Secrets Manager cannot use the key of the secret ${secretArn}: ${sentence(message)}`,
      'Enable the key (aws kms enable-key), or cancel its deletion (aws kms cancel-key-deletion). If the key is gone for good, so is the seed: remove the device from the stack, deploy, and declare it again.',
    ),

  noCredentials: (message: string) =>
    new CommandFailure(
      'accessDenied',
      `There are no AWS credentials: ${sentence(message)}`,
      'Give a profile (--profile, AWS_PROFILE), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. In a credential_process, give the command the --profile that has the access key: it cannot get its credentials from itself.',
    ),

  credentialsRefused: (message: string) =>
    new CommandFailure(
      'accessDenied',
      `AWS rejects the credentials: ${sentence(message)}`,
      'They may be expired, deleted, or of another partition; choose others (--profile).',
    ),

  longTermKeyNeeded: (userName: string) =>
    new CommandFailure(
      'accessDenied',
      'GetSessionToken needs an access key of a user, but these credentials are already a session.',
      `Give a profile with an access key of the user ${userName} (--profile).`,
    ),

  recursion: (profile: string) =>
    new CommandFailure(
      'usage',
      `The profile ${profile} gets its credentials from this very command, which would call itself without end.`,
      'In credential_process, give the profile that has the access key: /path/to/node_modules/.bin/virtual-mfa session USER --profile NAME-OF-THAT-PROFILE.',
    ),

  noRegion: () =>
    new CommandFailure(
      'usage',
      'No AWS region is configured.',
      'Give --region, set AWS_REGION, or set it in the profile.',
    ),

  clockOff: (offsetMilliseconds: number) =>
    new CommandFailure(
      'clockOff',
      `The clock of this machine is ${Math.round(Math.abs(offsetMilliseconds) / 1000)} seconds ${offsetMilliseconds > 0 ? 'behind' : 'ahead of'} AWS's, and codes depend on the time.`,
      'Synchronize it (timedatectl set-ntp true; w32tm /resync; System Settings, Date & Time), and run the command again.',
    ),

  codesRefused: (serialNumber: string) =>
    new CodesRefused(
      'failed',
      `AWS refused the codes of ${serialNumber} in several time steps, although the clock is right.`,
      `Another process may use the same device at the same time. If not, run \`npx --no virtual-mfa resync ${serialNumber}\`. If that fails too, the stored seed is not the device's: deploy with a new rotationId.`,
    ),

  verificationFailed: (serialNumber: string, checks: readonly string[]) =>
    new CommandFailure(
      'failed',
      `The device ${serialNumber} fails these checks: ${checks.join(', ')}.`,
      'Deploy its stack with a change to the device; a new rotationId gives it a new seed.',
    ),

  notAllRight: (userNames: readonly string[], count: number) =>
    new CommandFailure(
      'failed',
      `${userNames.length} of ${count} devices have problems: ${userNames.join(', ')}.`,
      'Each line says what is wrong, and what to do.',
    ),

  notOurs: (serialNumber: string) =>
    new CommandFailure(
      'failed',
      `The tags of the device ${serialNumber} do not name its stack and a version of its secret, so it was left as it is.`,
      'Set a new rotationId for the user, and deploy.',
    ),

  noPageFor: (userNames: readonly string[], count: number, stack: string) =>
    new CommandFailure(
      'failed',
      `${userNames.length} of ${count} devices got no page: ${userNames.join(', ')}.`,
      `\`npx --no virtual-mfa verify --stack ${stack}\` says what to do.`,
    ),

  pageOfAnother: (file: string, serialNumber: string) =>
    new CommandFailure(
      'failed',
      `The page of another device has the same file name, ${file}.`,
      `Write this one alone: npx --no virtual-mfa qr ${serialNumber} --html FILE.`,
    ),

  directoryOfOthers: (directory: string, { uid, mode }: Pick<Stats, 'uid' | 'mode'>) =>
    new CommandFailure(
      'readableByOthers',
      `Others can open the directory ${directory} (owner uid ${uid}, mode ${octal(mode)}), and what goes into it is secret.`,
      'Name a directory that does not exist, or one of your own with mode 0700.',
    ),

  readableByOthers: (file: string, mode: number) =>
    new CommandFailure(
      'readableByOthers',
      `Others can read ${file} (mode ${octal(mode)}), and what goes into it is secret.`,
      'Run chmod 600 on it first, or name a file that does not exist. After umask 077, the shell creates files with mode 0600.',
    ),

  ownedByAnother: (file: string, uid: number) =>
    new CommandFailure(
      'readableByOthers',
      `Another user (uid ${uid}) owns ${file}, and what goes into it is secret.`,
      'Name a file that does not exist, or one of your own with mode 0600.',
    ),

  changeableByOthers: (directory: string, { uid, mode }: Pick<Stats, 'uid' | 'mode'>) =>
    new CommandFailure(
      'failed',
      `Others could replace sessions in ${directory} (owner uid ${uid}, mode ${octal(mode)}).`,
      'It must be yours, and others must not be able to write to it: run chmod go-w on it, change its owner with chown, or use --no-cache.',
    ),

  notAFile: (file: string, reason: string) =>
    new CommandFailure(
      'failed',
      `${file} cannot be written: ${reason}.`,
      'Name a file in a directory that you can write to. It must not be a symbolic link, which may lead elsewhere.',
    ),

  unexpected: (what: string, message: string) =>
    new CommandFailure('failed', `${what} failed: ${sentence(message)}`, 'Try again.'),
} as const satisfies Record<string, (...args: never[]) => CommandFailure>;

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}

/**
 * AWS's words as a sentence. Their first line only: to a wrong signature some services answer with all that was signed, the session
 * token among it.
 */
function sentence(message: string): string {
  const [firstLine = ''] = message.trim().split(/[\r\n]/);
  return firstLine.trim().replace(/\.?$/, '.');
}
