import { DescribeSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { PROPERTY_RULES, type StoredSeed } from '../../lambda/contract';
import { type AwsAccess, calling, isAbsent } from './aws-access';
import { failures } from './command-failure';
import type { SeedLocation } from './managed-devices';

/** A seed, as it is stored. */
export interface LocatedSeed extends StoredSeed {
  readonly secretArn: string;
  readonly versionId: string;
  /** Whether it is the secret's current version. */
  readonly isCurrent: boolean;
}

/** How Secrets Manager, or KMS itself, says it. */
const KEY_DENIED = /Access to KMS is not allowed|denied kms:Decrypt on/;

/**
 * Reads the seed of a device.
 *
 * @throws CommandFailure where it is another's: tags led here, and others can set tags too
 */
export async function readStoredSeed(
  { secretArn, region, versionId, serialNumber, userName }: SeedLocation,
  aws: AwsAccess,
): Promise<LocatedSeed> {
  const client = aws.secretsManager(region);
  try {
    const { SecretString, VersionId, VersionStages } = await calling('secretsmanager:GetSecretValue', secretArn, () =>
      client.send(new GetSecretValueCommand({ SecretId: secretArn, VersionId: versionId })),
    );
    const stored = parse(SecretString);
    if (!stored) throw failures.noSeedIn(secretArn);
    requireSame(secretArn, serialNumber, stored.serialNumber);
    requireSame(secretArn, userName?.toLowerCase(), stored.userName.toLowerCase());
    const isCurrent = VersionStages?.includes('AWSCURRENT') ?? false;
    return { ...stored, secretArn, versionId: VersionId ?? '', isCurrent };
  } catch (error) {
    // InvalidRequestException: the secret is scheduled for deletion.
    if (isAbsent(error) || (error instanceof Error && error.name === 'InvalidRequestException')) {
      throw failures.noSuchSecret(secretArn);
    }
    if (error instanceof Error && KEY_DENIED.test(error.message)) {
      throw failures.keyDenied(secretArn, await keyOf(secretArn, region, aws));
    }
    throw error;
  }
}

async function keyOf(secretArn: string, region: string, aws: AwsAccess): Promise<string> {
  const unknown = 'which secretsmanager:DescribeSecret would name';
  return aws
    .secretsManager(region)
    .send(new DescribeSecretCommand({ SecretId: secretArn }))
    .then(({ KmsKeyId }) => KmsKeyId ?? unknown)
    .catch(() => unknown);
}

function requireSame(secretArn: string, expected: string | undefined, recorded: string): void {
  if (expected !== undefined && expected !== recorded) throw failures.seedOfAnother(secretArn, expected, recorded);
}

/** What each member has to look like; who can write the secret shall not write to the terminal. */
const MEMBERS: Readonly<Record<keyof StoredSeed, (member: string) => boolean>> = {
  serialNumber: (member) => /^arn:[\w-]+:iam::\d{12}:mfa\/[!-~]{1,226}$/.test(member),
  userName: (member) => PROPERTY_RULES.UserName.accepts(member),
  // 128 bits at least, as RFC 4226 wants them.
  seed: (member) => /^[A-Z2-7]{26,256}=*$/.test(member),
  otpauthUri: (member) => /^otpauth:\/\/totp\/[!-~]{1,1000}$/.test(member),
};

function parse(secretString = ''): StoredSeed | undefined {
  let value: Readonly<Record<string, unknown>> | null;
  try {
    value = JSON.parse(secretString) as Readonly<Record<string, unknown>> | null;
  } catch {
    return undefined;
  }
  const isWhole = Object.entries(MEMBERS).every(([name, accepts]) => {
    const member = value?.[name];
    return typeof member === 'string' && accepts(member);
  });
  const stored = value as unknown as StoredSeed;
  const isSameSeed = isWhole && new URL(stored.otpauthUri).searchParams.get('secret') === stored.seed;
  return isSameSeed ? stored : undefined;
}
