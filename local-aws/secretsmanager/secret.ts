import { AwsError } from '../protocol/aws-error';

export const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';

interface SecretVersion {
  readonly id: string;
  readonly secretString: string;
  readonly createdDate: Date;
}

/** A secret: its versions and the staging labels that point to them. A label points to one version at a time. */
export class Secret {
  readonly tags = new Map<string, string>();
  readonly #versions = new Map<string, SecretVersion>();
  readonly #stages = new Map<string, string>();
  description?: string;
  kmsKeyId?: string;
  resourcePolicy?: string;
  deletedDate?: Date;

  constructor(
    readonly name: string,
    readonly arn: string,
    readonly createdDate: Date,
  ) {}

  /** Adds a version and moves the labels to it. The same id with the same value again changes nothing. */
  put(version: SecretVersion, stages: readonly string[]): void {
    const existing = this.#versions.get(version.id);
    if (existing && existing.secretString !== version.secretString) {
      throw new AwsError(
        'ResourceExistsException',
        `You can't use ClientRequestToken ${version.id} because that value is already in use for a version of secret ${this.arn}.`,
      );
    }
    if (existing) return;
    // A secret's first version is current, whatever label is asked for.
    const labels = this.#versions.size === 0 ? new Set([...stages, CURRENT]) : new Set(stages);
    this.#versions.set(version.id, version);
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

  stagesOf(versionId: string): readonly string[] {
    return [...this.#stages].filter(([, id]) => id === versionId).map(([stage]) => stage);
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
    if (!version || (label !== undefined && this.#stages.get(label) !== version.id)) {
      const wanted = label === undefined ? `VersionId: ${id ?? ''}` : `staging label: ${label}`;
      throw new AwsError(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for ${wanted}`,
      );
    }
    return version;
  }

  versions(): readonly SecretVersion[] {
    return [...this.#versions.values()];
  }
}
