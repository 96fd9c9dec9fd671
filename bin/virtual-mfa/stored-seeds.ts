import { DescribeSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { storedSeedIn, type StoredSeed } from '../../lambda/contract/stored-seed';
import { type AwsAccess, calling, isAbsent, isKeyFailure } from './aws-access';
import { failures } from './command-failure';
import type { SeedLocation } from './seed-location';

/** A seed, as it is stored. */
export interface LocatedSeed extends StoredSeed {
  readonly secretArn: string;
  readonly versionId: string;
  /** Whether it is the secret's current version. */
  readonly isCurrent: boolean;
}

/** Whether an error says that the caller may not use the key of a secret, in the words of Secrets Manager or of KMS. */
export function isKeyDenied({ message }: Error): boolean {
  return /Access to KMS is not allowed|(?:denied|not authorized to perform:) kms:Decrypt on/.test(message);
}

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
    const stored = storedSeedIn(SecretString);
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
    if (error instanceof Error && isKeyDenied(error)) {
      throw failures.keyDenied(secretArn, await keyOf(secretArn, region, aws));
    }
    if (error instanceof Error && isKeyFailure(error)) throw failures.keyUnusable(secretArn, error.message);
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
