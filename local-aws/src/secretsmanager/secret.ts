import type { PolicyDocument } from '../policy-document';
import { AwsError } from '../protocol/aws-error';

export const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';
const PENDING = 'AWSPENDING';

interface SecretVersion {
  readonly id: string;
  readonly secretString: string;
  readonly createdDate: Date;
  /** The key that it is encrypted with. */
  readonly kmsKeyId: string;
  /** The day of the last GetSecretValue. */
  lastAccessedDate?: Date;
}

/** A secret: its versions and the staging labels that point to them. A label points to one version at a time. */
export class Secret {
  readonly tags = new Map<string, string>();
  /** Whether it ever had a tag. */
  wasTagged = false;
  readonly #versions = new Map<string, SecretVersion>();
  readonly #stages = new Map<string, string>();
  description?: string;
  kmsKeyId?: string;
  resourcePolicy?: PolicyDocument;
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
    // Only where a value is put: UpdateSecretVersionStage leaves AWSPENDING where it is.
    if (labels.has(CURRENT) && left !== version.id && this.#stages.get(PENDING) === left) this.removeLabel(PENDING);
    for (const stage of labels) this.move(stage, version.id);
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

  /** The labels of the versions that have any. */
  stagesByVersion(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(
      this.versions()
        .map(({ id }) => [id, this.stagesOf(id)] as const)
        .filter(([, stages]) => stages.length > 0),
    );
  }
}
