import { DescribeSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { StoredSeed } from '../../lambda/contract';
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

/** Reads the seed of a device. */
export async function readStoredSeed(
  { secretArn, region, versionId }: SeedLocation,
  aws: AwsAccess,
): Promise<LocatedSeed> {
  const client = aws.secretsManager(region);
  try {
    const { SecretString, VersionId, VersionStages } = await calling('secretsmanager:GetSecretValue', secretArn, () =>
      client.send(new GetSecretValueCommand({ SecretId: secretArn, VersionId: versionId })),
    );
    const stored = parse(SecretString);
    if (!stored) throw failures.noSeedIn(secretArn);
    const isCurrent = VersionStages?.includes('AWSCURRENT') ?? false;
    return { ...stored, secretArn, versionId: VersionId ?? '', isCurrent };
  } catch (error) {
    // InvalidRequestException: the secret is scheduled for deletion.
    if (isAbsent(error) || (error instanceof Error && error.name === 'InvalidRequestException')) {
      throw failures.noSuchSecret(secretArn);
    }
    if (error instanceof Error && /\bKMS\b|kms:Decrypt/.test(error.message)) {
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

function parse(secretString = ''): StoredSeed | undefined {
  try {
    const value = JSON.parse(secretString) as Partial<Record<keyof StoredSeed, unknown>> | null;
    const { serialNumber, userName, seed, otpauthUri } = value ?? {};
    const isComplete = [serialNumber, userName, seed, otpauthUri].every((member) => typeof member === 'string');
    return isComplete && /^[A-Z2-7]+=*$/.test(String(seed)) ? (value as StoredSeed) : undefined;
  } catch {
    return undefined;
  }
}
