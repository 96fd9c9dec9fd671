import { AwsError } from '../protocol/aws-error';
import { tagListOf } from '../iam/inputs';
import { describedRules, nextWindow } from './rotation-schedule';
import type { Secret, SecretRotation } from './secret';

/** What DescribeSecret and ListSecrets tell of a secret. What it never had is left out; what it had and lost stays, empty. */
export function describedSecret(
  secret: Secret,
  stagesName: 'VersionIdsToStages' | 'SecretVersionsToStages',
): Record<string, unknown> {
  const versions = secret.versions();
  const stages = secret.stagesByVersion();
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
    ...(Object.keys(stages).length > 0 ? { [stagesName]: stages } : {}),
    ...(secret.rotation
      ? describedRotation(secret.rotation)
      : versions.length > 0 && secret.beganEmpty
        ? { RotationEnabled: false }
        : {}),
  };
}

/** What stays of a rotation that was turned off: everything but its next date. */
function describedRotation({ enabled, functionArn, rules, countedFrom, lastRotated }: SecretRotation) {
  return {
    RotationEnabled: enabled,
    RotationLambdaARN: functionArn,
    ...(rules ? { RotationRules: describedRules(rules, countedFrom) } : {}),
    LastRotatedDate: lastRotated,
    ...(rules && enabled ? { NextRotationDate: new Date(nextWindow(rules, countedFrom).lastSecond) } : {}),
  };
}

/** What ListSecretVersionIds tells of each version. */
export function describedVersions(secret: Secret) {
  return secret.versions().map(({ id, createdDate, kmsKeyId, lastAccessedDate }) => ({
    VersionId: id,
    ...describedStages(secret, id),
    CreatedDate: createdDate,
    LastAccessedDate: lastAccessedDate,
    KmsKeyIds: [kmsKeyId],
  }));
}

/** The labels of a version, if it has any. */
export function describedStages(secret: Secret, versionId: string): { readonly VersionStages?: readonly string[] } {
  const VersionStages = secret.stagesOf(versionId);
  return VersionStages.length > 0 ? { VersionStages } : {};
}

/** Cuts a page out of a whole list; the token is opaque, as AWS's: none may count on what it says. */
export function page<T>(
  all: readonly T[],
  {
    MaxResults = 100,
    NextToken,
  }: { readonly MaxResults?: number | undefined; readonly NextToken?: string | undefined },
): { readonly items: readonly T[]; readonly NextToken?: string } {
  const start = NextToken === undefined ? 0 : placeIn(NextToken);
  const end = start + MaxResults;
  return { items: all.slice(start, end), ...(end < all.length ? { NextToken: tokenOf(end) } : {}) };
}

function tokenOf(place: number): string {
  return Buffer.from(`after ${place}`).toString('base64url');
}

function placeIn(token: string): number {
  const [, place] = /^after (\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  if (place === undefined || tokenOf(Number(place)) !== token) {
    throw new AwsError('InvalidNextTokenException', 'The NextToken value is invalid.');
  }
  return Number(place);
}
