import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
  type UpdateSecretVersionStageCommandInput,
} from '@aws-sdk/client-secrets-manager';
import type { AwsCalls } from './aws-calls';
import { isNamed } from './aws-errors';
import type { StoredSeed } from './contract';
import { failures } from './failure';

/** Secrets Manager's staging labels. A replacement's seed is pending until its device is enabled. */
export type StagingLabel = 'AWSCURRENT' | 'AWSPENDING' | 'AWSPREVIOUS';

/** A version of the secret that holds a device's seed. */
export interface SeedVersion {
  readonly versionId: string;
  readonly stored: StoredSeed;
  readonly isCurrent: boolean;
}

/** Where seeds are kept. */
export interface SeedStore {
  /** Stores a seed as a new version, of an id that was never used, under a label. */
  put(versionId: string, stored: StoredSeed, label: StagingLabel): Promise<void>;
  /** Reads a version that was just stored. */
  read(versionId: string): Promise<StoredSeed>;
  /** Finds a version; undefined where there is none, or no secret. */
  find(versionId: string): Promise<SeedVersion | undefined>;
  /** Finds a version that records a serial number, among the labelled ones: for a device whose tags do not name its version. */
  findBySerialNumber(serialNumber: string): Promise<SeedVersion | undefined>;
  /** The version of the last replacement, if one was begun and not abandoned. */
  findPending(): Promise<SeedVersion | undefined>;
  /** Makes a version the current one, if it is not yet. */
  makeCurrent(versionId: string): Promise<void>;
  /** The same for a pending version. @throws Failure where it was abandoned meanwhile */
  makePendingCurrent(versionId: string): Promise<void>;
  /** Abandons a pending version: whoever still works on it is told when it asks. */
  abandon(versionId: string): Promise<void>;
  /** Whether a version is wanted still: its secret is not going, and nobody abandoned it. */
  isWanted(versionId: string): Promise<boolean>;
}

const ABSENT = 'ResourceNotFoundException';
/** Secrets Manager's answer for a secret that is scheduled for deletion. */
const MARKED_FOR_DELETION = 'InvalidRequestException';

export class SecretsManagerSeedStore implements SeedStore {
  constructor(
    private readonly client: SecretsManagerClient,
    private readonly calls: AwsCalls,
    private readonly secretArn: string,
  ) {}

  async put(versionId: string, stored: StoredSeed, label: StagingLabel): Promise<void> {
    const command = new PutSecretValueCommand({
      SecretId: this.secretArn,
      ClientRequestToken: versionId,
      SecretString: JSON.stringify(stored),
      VersionStages: [label],
    });
    try {
      await this.calls.perform('secretsmanager:PutSecretValue', () => this.client.send(command));
    } catch (error) {
      throw isNamed(error, ABSENT, MARKED_FOR_DELETION) ? failures.seedSecretGone(this.secretArn) : error;
    }
  }

  async read(versionId: string): Promise<StoredSeed> {
    const command = new GetSecretValueCommand({ SecretId: this.secretArn, VersionId: versionId });
    try {
      // Secrets Manager is eventually consistent: a version may not be seen right after it was stored.
      const output = await this.calls.perform('secretsmanager:GetSecretValue', () => this.client.send(command), [
        ABSENT,
      ]);
      return parse(output.SecretString);
    } catch (error) {
      throw isNamed(error, ABSENT, MARKED_FOR_DELETION) ? failures.seedSecretGone(this.secretArn) : error;
    }
  }

  async find(VersionId: string): Promise<SeedVersion | undefined> {
    return this.#version({ VersionId });
  }

  async findBySerialNumber(serialNumber: string): Promise<SeedVersion | undefined> {
    for (const VersionStage of ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'] satisfies StagingLabel[]) {
      const version = await this.#version({ VersionStage });
      if (version?.stored.serialNumber === serialNumber) return version;
    }
    return undefined;
  }

  async findPending(): Promise<SeedVersion | undefined> {
    return this.#version({ VersionStage: 'AWSPENDING' });
  }

  async makeCurrent(versionId: string): Promise<void> {
    await this.#makeCurrent(versionId, await this.#labels());
  }

  async makePendingCurrent(versionId: string): Promise<void> {
    const labels = await this.#labels();
    if (!labels.has(versionId)) throw failures.superseded();
    await this.#makeCurrent(versionId, labels);
  }

  async #makeCurrent(versionId: string, labels: ReadonlyMap<string, readonly string[]>): Promise<void> {
    if (labels.get(versionId)?.includes('AWSCURRENT')) return;
    const [currentId] = [...labels].find(([, ofVersion]) => ofVersion.includes('AWSCURRENT')) ?? [];
    await this.#moveLabel({ VersionStage: 'AWSCURRENT', MoveToVersionId: versionId, RemoveFromVersionId: currentId });
  }

  async abandon(versionId: string): Promise<void> {
    await this.#moveLabel({ VersionStage: 'AWSPENDING', RemoveFromVersionId: versionId });
  }

  async isWanted(versionId: string): Promise<boolean> {
    return (await this.#labels()).has(versionId);
  }

  async #moveLabel(move: Omit<UpdateSecretVersionStageCommandInput, 'SecretId'>): Promise<void> {
    const command = new UpdateSecretVersionStageCommand({ SecretId: this.secretArn, ...move });
    await this.calls.perform('secretsmanager:UpdateSecretVersionStage', () => this.client.send(command));
  }

  /** The labels of each version that has some; none where the secret is gone or going. */
  async #labels(): Promise<ReadonlyMap<string, readonly string[]>> {
    const command = new DescribeSecretCommand({ SecretId: this.secretArn });
    try {
      const output = await this.calls.perform('secretsmanager:DescribeSecret', () => this.client.send(command));
      return new Map(output.DeletedDate === undefined ? Object.entries(output.VersionIdsToStages ?? {}) : []);
    } catch (error) {
      if (isNamed(error, ABSENT)) return new Map();
      throw error;
    }
  }

  async #version(
    which: { readonly VersionId: string } | { readonly VersionStage: StagingLabel },
  ): Promise<SeedVersion | undefined> {
    const command = new GetSecretValueCommand({ SecretId: this.secretArn, ...which });
    try {
      const output = await this.calls.perform('secretsmanager:GetSecretValue', () => this.client.send(command));
      return {
        versionId: output.VersionId ?? '',
        stored: parse(output.SecretString),
        isCurrent: output.VersionStages?.includes('AWSCURRENT') ?? false,
      };
    } catch (error) {
      if (isNamed(error, ABSENT, MARKED_FOR_DELETION)) return undefined;
      throw error;
    }
  }
}

/** A value that somebody put in by hand is no seed of any device. */
function parse(secretString: string | undefined): StoredSeed {
  const nothing: StoredSeed = { serialNumber: '', userName: '', seed: '', otpauthUri: '' };
  try {
    const parsed = JSON.parse(secretString ?? '{}') as Partial<StoredSeed> | null;
    return { ...nothing, ...parsed };
  } catch {
    return nothing;
  }
}
