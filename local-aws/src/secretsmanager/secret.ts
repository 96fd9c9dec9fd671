import type { PolicyDocument } from '../policy-document';
import { AwsError } from '../protocol/aws-error';
import type { RotationRules } from './rotation-schedule';

export const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';
export const PENDING = 'AWSPENDING';

interface SecretVersion {
  readonly id: string;
  readonly secretString: string;
  readonly createdDate: Date;
  /** The key that it is encrypted with. */
  readonly kmsKeyId: string;
  /** The day of the last GetSecretValue. */
  lastAccessedDate?: Date;
}

/** How a secret is rotated, and how far that is. */
export interface SecretRotation {
  enabled: boolean;
  functionArn: string;
  rules?: RotationRules;
  /** When the next window was counted from: the last rotation, or the last change of the rules. */
  countedFrom: number;
  lastRotated?: Date;
  /** The token of the rotation that runs. */
  running?: string;
  /** The token of the last rotation that failed: while it is not complete, Secrets Manager tries again. */
  failed?: string;
}

/**
 * A secret: its versions and the staging labels that point to them. A label points to one version at a time. A version that a
 * rotation has begun is a label only, until it gets a value.
 */
export class Secret {
  readonly tags = new Map<string, string>();
  /** Whether it ever had a tag. */
  wasTagged = false;
  readonly #versions = new Map<string, SecretVersion>();
  readonly #stages = new Map<string, string>();
  description?: string;
  kmsKeyId?: string;
  resourcePolicy?: PolicyDocument;
  rotation?: SecretRotation;
  lastChangedDate: Date;
  /** When its deletion was asked for, and when it is due. */
  deletion?: { readonly requested: Date; readonly due: Date };

  constructor(
    readonly name: string,
    readonly arn: string,
    readonly createdDate: Date,
    /** Whether it began without a value. AWS says only of such a secret that it is not rotated. */
    readonly beganEmpty: boolean,
  ) {
    this.lastChangedDate = createdDate;
  }

  /**
   * Adds a version and moves the labels to it. The same id with the same value again adds no version; labels that the request
   * names move all the same.
   */
  put(version: SecretVersion, stages: readonly string[] | undefined): void {
    const existing = this.#versions.get(version.id);
    if (existing && existing.secretString !== version.secretString) {
      throw new AwsError(
        'ResourceExistsException',
        `You can't use ClientRequestToken ${version.id} because that value is already in use for a version of secret ${this.arn}.`,
      );
    }
    const labels = new Set(stages ?? (existing ? [] : [CURRENT]));
    // A secret's first version is current, whatever label is asked for.
    if (this.#versions.size === 0) labels.add(CURRENT);
    if (!existing) this.#versions.set(version.id, version);
    const left = this.#stages.get(CURRENT);
    // Only where a value is put: UpdateSecretVersionStage leaves AWSPENDING where it is. A rotation is abandoned so.
    const pending = this.#stages.get(PENDING);
    const loses = this.rotation?.enabled ? pending !== version.id : pending === left;
    if (labels.has(CURRENT) && left !== version.id && loses) this.removeLabel(PENDING);
    for (const stage of labels) this.move(stage, version.id);
  }

  /** Adds a version that has the current one's value, if there is one. */
  copyCurrent(id: string, createdDate: Date): void {
    const current = this.#versions.get(this.#stages.get(CURRENT) ?? '');
    if (!current) return;
    const { secretString, kmsKeyId } = current;
    this.#versions.set(id, { id, secretString, createdDate, kmsKeyId });
  }

  /** Moves a label; the version that AWSCURRENT leaves becomes AWSPREVIOUS. */
  move(stage: string, versionId: string): void {
    const left = this.#stages.get(stage);
    if (stage === CURRENT && left !== undefined && left !== versionId) this.#stages.set(PREVIOUS, left);
    this.#stages.set(stage, versionId);
  }

  removeLabel(stage: string): void {
    this.#stages.delete(stage);
  }

  versionWithLabel(stage: string): string | undefined {
    return this.#stages.get(stage);
  }

  /** A version's labels, sorted: to AWS they are a set. */
  stagesOf(versionId: string): readonly string[] {
    return [...this.#stages]
      .filter(([, id]) => id === versionId)
      .map(([stage]) => stage)
      .sort();
  }

  /** Whether a version has this id and this value: a request that would add it again is a repetition. */
  holds(versionId: string, secretString: string | undefined): boolean {
    return secretString !== undefined && this.#versions.get(versionId)?.secretString === secretString;
  }

  has(versionId: string): boolean {
    return this.#versions.has(versionId);
  }

  /** Finds a version by id, by label, or by both, which must agree. */
  version(id: string | undefined, stage: string | undefined): SecretVersion {
    const label = stage ?? (id === undefined ? CURRENT : undefined);
    const version = this.#versions.get(id ?? this.#stages.get(label ?? '') ?? '');
    if (!version) {
      const wanted = id === undefined ? `staging label: ${label ?? ''}` : `VersionId: ${id}`;
      throw new AwsError(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for ${wanted}`,
      );
    }
    if (label !== undefined && this.#stages.get(label) !== version.id) {
      throw new AwsError(
        'InvalidRequestException',
        'You provided a VersionStage that is not associated to the provided VersionId.',
      );
    }
    return version;
  }

  versions(): readonly SecretVersion[] {
    return [...this.#versions.values()];
  }

  /** The labels of the versions that have any, those without a value too. */
  stagesByVersion(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries([...new Set(this.#stages.values())].map((id) => [id, this.stagesOf(id)]));
  }
}
