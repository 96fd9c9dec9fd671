import { tagListOf } from '../iam/inputs';
import type { Secret } from './secret';

/** What DescribeSecret and ListSecrets tell of a secret. What it never had is left out; what it had and lost stays, empty. */
export function describedSecret(
  secret: Secret,
  stagesName: 'VersionIdsToStages' | 'SecretVersionsToStages',
): Record<string, unknown> {
  const versions = secret.versions();
  const accessed = versions.flatMap(({ lastAccessedDate }) => lastAccessedDate ?? []);
  return {
    ARN: secret.arn,
    Name: secret.name,
    Description: secret.description,
    KmsKeyId: secret.kmsKeyId,
    CreatedDate: secret.createdDate,
    LastChangedDate: secret.lastChangedDate,
    DeletedDate: secret.deletion?.requested,
    ...(secret.wasTagged ? { Tags: tagListOf(secret.tags) } : {}),
    ...(accessed.length > 0 ? { LastAccessedDate: new Date(Math.max(...accessed.map(Number))) } : {}),
    ...(versions.length > 0 ? { [stagesName]: secret.stagesByVersion() } : {}),
    ...(versions.length > 0 && secret.beganEmpty ? { RotationEnabled: false } : {}),
  };
}

/** What ListSecretVersionIds tells of each version. */
export function describedVersions(secret: Secret) {
  return secret.versions().map(({ id, createdDate, kmsKeyId, lastAccessedDate }) => ({
    VersionId: id,
    VersionStages: secret.stagesOf(id),
    CreatedDate: createdDate,
    LastAccessedDate: lastAccessedDate,
    KmsKeyIds: [kmsKeyId],
  }));
}
