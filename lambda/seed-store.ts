import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandOutput,
  PutSecretValueCommand,
  type SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { randomUUID } from 'node:crypto';
import type { AwsCalls } from './aws-calls';
import { isNamed } from './aws-errors';
import { RETIRED_TAG, type StoredSeed } from './contract';
import { failures } from './failure';
import { type RequestTime, requestTimeIn } from './request-time';

/** A version of the secret that holds a device's seed. */
export interface SeedVersion {
  readonly versionId: string;
  readonly stored: StoredSeed;
  readonly isCurrent: boolean;
}

/** Where seeds are kept, and with them which requests have been here: see request-time.ts. */
export interface SeedStore {
  /** An id that was never used, which tells the time of this event's request. */
  newVersionId(): string;
  /** Stores a seed as a new version, which is pending until its device is enabled. (A secret's first version is current anyway.) */
  put(versionId: string, stored: StoredSeed): Promise<void>;
  /** Reads a version that was just stored. */
  read(versionId: string): Promise<SeedVersion>;
  /** Finds a version; undefined where there is none, or no secret. */
  find(versionId: string): Promise<SeedVersion | undefined>;
  /** Finds a version that records a serial number, among the labelled ones: for a device whose tags do not name its version. */
  findBySerialNumber(serialNumber: string): Promise<SeedVersion | undefined>;
  /** Makes a version the current one. @throws Failure where a later request has been here */
  promote(versionId: string): Promise<void>;
  /** Whether a later request has been here, or the secret is gone or going. */
  isSuperseded(): Promise<boolean>;
  /**
   * Keeps earlier requests that run late from making a device. Does nothing while the current seed is another device's: the device
   * goes because that one has replaced it, and a late duplicate of the replacement must not take itself for superseded.
   */
  retire(serialNumber: string): Promise<void>;
}

/** What DescribeSecret tells. */
interface SecretState {
  /** Neither gone nor going. */
  readonly isThere: boolean;
  readonly labelled: readonly (readonly [versionId: string, labels: readonly string[]])[];
  /** Time of the latest request to delete a device. */
  readonly retired: RequestTime | undefined;
}

const PROMOTE_TRIES = 5;
const ABSENT = 'ResourceNotFoundException';
/** Secrets Manager's answer for a secret that is scheduled for deletion. */
const MARKED_FOR_DELETION = 'InvalidRequestException';

export class SecretsManagerSeedStore implements SeedStore {
  constructor(
    private readonly client: SecretsManagerClient,
    private readonly calls: AwsCalls,
    private readonly secretArn: string,
    private readonly requestTime: RequestTime,
  ) {}

  newVersionId(): string {
    return `${this.requestTime}-${randomUUID()}`;
  }

  async put(versionId: string, stored: StoredSeed): Promise<void> {
    const command = new PutSecretValueCommand({
      SecretId: this.secretArn,
      ClientRequestToken: versionId,
      SecretString: JSON.stringify(stored),
      VersionStages: ['AWSPENDING'],
    });
    try {
      await this.calls.perform('secretsmanager:PutSecretValue', () => this.client.send(command));
    } catch (error) {
      throw isNamed(error, ABSENT, MARKED_FOR_DELETION) ? failures.seedSecretGone(this.secretArn) : error;
    }
  }

  async read(versionId: string): Promise<SeedVersion> {
    const command = new GetSecretValueCommand({ SecretId: this.secretArn, VersionId: versionId });
    try {
      // Secrets Manager is eventually consistent: a version may not be seen right after it was stored.
      const output = await this.calls.perform('secretsmanager:GetSecretValue', () => this.client.send(command), [
        ABSENT,
      ]);
      return versionIn(output);
    } catch (error) {
      throw isNamed(error, ABSENT, MARKED_FOR_DELETION) ? failures.seedSecretGone(this.secretArn) : error;
    }
  }

  async find(VersionId: string): Promise<SeedVersion | undefined> {
    return this.#version({ VersionId });
  }

  async findBySerialNumber(serialNumber: string): Promise<SeedVersion | undefined> {
    for (const VersionStage of ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS']) {
      const version = await this.#version({ VersionStage });
      if (version?.stored.serialNumber === serialNumber) return version;
    }
    return undefined;
  }

  async promote(versionId: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const state = await this.#state();
      if (this.#isSupersededIn(state)) throw failures.superseded();
      const currentId = state.labelled.find(([, labels]) => labels.includes('AWSCURRENT'))?.[0];
      if (currentId === versionId) return;
      const command = new UpdateSecretVersionStageCommand({
        SecretId: this.secretArn,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: versionId,
        RemoveFromVersionId: currentId,
      });
      try {
        await this.calls.perform('secretsmanager:UpdateSecretVersionStage', () => this.client.send(command));
        return;
      } catch (error) {
        // The label is on another version by now: whose, decides.
        if (!isNamed(error, 'InvalidParameterException') || tries >= PROMOTE_TRIES) throw error;
      }
    }
  }

  async isSuperseded(): Promise<boolean> {
    return this.#isSupersededIn(await this.#state());
  }

  async retire(serialNumber: string): Promise<void> {
    const current = await this.#version({ VersionStage: 'AWSCURRENT' });
    if (current && requestTimeIn(current.versionId) && current.stored.serialNumber !== serialNumber) return;
    const command = new TagResourceCommand({
      SecretId: this.secretArn,
      Tags: [{ Key: RETIRED_TAG, Value: this.requestTime }],
    });
    await this.calls.perform('secretsmanager:TagResource', () => this.client.send(command));
  }

  #isSupersededIn({ isThere, labelled, retired }: SecretState): boolean {
    const isLater = ([versionId]: readonly [string, unknown]) => (requestTimeIn(versionId) ?? '') > this.requestTime;
    // No request to make a device is of the same second as an earlier one to delete it.
    return !isThere || labelled.some(isLater) || (retired ?? '') >= this.requestTime;
  }

  async #state(): Promise<SecretState> {
    const command = new DescribeSecretCommand({ SecretId: this.secretArn });
    try {
      const output = await this.calls.perform('secretsmanager:DescribeSecret', () => this.client.send(command));
      return {
        isThere: output.DeletedDate === undefined,
        labelled: Object.entries(output.VersionIdsToStages ?? {}),
        retired: output.Tags?.find(({ Key }) => Key === RETIRED_TAG)?.Value,
      };
    } catch (error) {
      if (isNamed(error, ABSENT)) return { isThere: false, labelled: [], retired: undefined };
      throw error;
    }
  }

  async #version(
    which: { readonly VersionId: string } | { readonly VersionStage: string },
  ): Promise<SeedVersion | undefined> {
    const command = new GetSecretValueCommand({ SecretId: this.secretArn, ...which });
    try {
      const output = await this.calls.perform('secretsmanager:GetSecretValue', () => this.client.send(command));
      return versionIn(output);
    } catch (error) {
      if (isNamed(error, ABSENT, MARKED_FOR_DELETION)) return undefined;
      throw error;
    }
  }
}

function versionIn({ VersionId, SecretString, VersionStages }: GetSecretValueCommandOutput): SeedVersion {
  return {
    versionId: VersionId ?? '',
    stored: parse(SecretString),
    isCurrent: VersionStages?.includes('AWSCURRENT') ?? false,
  };
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
