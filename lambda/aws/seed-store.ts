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
import { type AwsCalls, CONSISTENCY_MILLISECONDS, type NotYet } from './aws-calls';
import { isNamed } from './aws-errors';
import { type ExistingSeed, readExistingSeed } from './existing-seed';
import type { Clock } from '../contract/clock';
import { RETIRED_TAG } from '../contract/own-tags';
import type { VirtualMfaDeviceTag } from '../contract/properties';
import {
  isRotationVersionId,
  isSeedVersionId,
  PENDING_LABEL,
  seedVersionId,
  uuidOfRotation,
} from '../contract/seed-version';
import { storedSeedIn, type StoredSeed } from '../contract/stored-seed';
import { AccessDeniedFailure, failures } from '../failure';
import { type RequestTime, requestTimeIn } from '../request-time';

/** A version of the secret that holds a device's seed. */
export interface SeedVersion {
  readonly versionId: string;
  readonly stored: StoredSeed;
  readonly isCurrent: boolean;
  /** Whether it was current before the one that is. */
  readonly isPrevious: boolean;
  /** When CloudFormation made the request whose event has stored it. */
  readonly requestTime: RequestTime;
}

/** Where seeds are kept, and with them which requests have been here: see request-time.ts. */
export interface SeedStore {
  /**
   * An id that was never used, which tells the time of this event's request, and the device.
   *
   * @param rotationToken of the rotation that stores the version, if one does: the id tells that, too
   */
  newVersionId(serialNumber: string, rotationToken?: string): string;
  /** Reads the seed of a device that somebody else has made, from the secret where they keep it. */
  readExisting(existing: ExistingSeed): Promise<string>;
  /** Stores a seed as a new version, which is pending until its device is enabled. (A secret's first version is current anyway.) */
  put(versionId: string, stored: StoredSeed): Promise<void>;
  /** Reads a version that was just stored. */
  read(versionId: string): Promise<SeedVersion>;
  /** Finds a version that a run of the handler has stored; undefined where there is none, or no secret. */
  find(versionId: string): Promise<SeedVersion | undefined>;
  /** Finds the current version, if a run of the handler has stored it. */
  current(): Promise<SeedVersion | undefined>;
  /** Makes a version the current one. @throws Failure where a later request has been here */
  promote(versionId: string): Promise<void>;
  /**
   * Whether a later request has been here, or the secret is gone or going.
   *
   * @throws Failure where the secret's tags say that it is another resource's, or another user's
   */
  isSuperseded(): Promise<boolean>;
  /** Keeps earlier requests that run late from making a device. */
  retire(): Promise<void>;
  /** What the secret tells of the requests that have been here; undefined where it is gone or going. */
  history(): Promise<SeedHistory | undefined>;
  /** Takes AWSPENDING from a version: with that on another version than the current one, Secrets Manager would refuse to rotate again. */
  clearPending(versionId: string): Promise<void>;
}

/** What DescribeSecret tells of a device's requests. */
export interface SeedHistory {
  /** The version that the latest request has stored, of those that have a label. */
  readonly latestVersionId: string | undefined;
  /** The labels of each version that has any. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
  /** The secret's tags. */
  readonly tags: ReadonlyMap<string, string>;
  /** When anything about the secret was changed last, in milliseconds since the epoch. */
  readonly changedAt: number;
}

/** Where a device's seed is stored. */
export interface SeedSecret {
  readonly seedSecretArn: string;
  /** The tags by which the stack's template marks the secret as the resource's. */
  readonly seedSecretTags: readonly VirtualMfaDeviceTag[];
}

/** What DescribeSecret tells. */
interface SecretState {
  /** Neither gone nor going. */
  readonly isThere: boolean;
  readonly labelled: readonly (readonly [versionId: string, labels: readonly string[]])[];
  readonly tags: ReadonlyMap<string, string>;
  readonly changedAt: number;
}

/** What somebody put in by hand is no seed of any device. */
const NO_SEED: StoredSeed = { serialNumber: '', userName: '', seed: '', otpauthUri: '' };
const PROMOTE_TRIES = 5;
const ABSENT = 'ResourceNotFoundException';
/** Thrown when the secret's tags do not name the resource and the user. */
class SecretOfAnother extends Error {
  override readonly name = 'SecretOfAnother';
}
/** Secrets Manager is eventually consistent: what was just written may not be seen. */
const notSeenYet = (error: string): NotYet => ({ errors: [error], milliseconds: CONSISTENCY_MILLISECONDS });
/** Secrets Manager's answer for a secret that is scheduled for deletion. */
const MARKED_FOR_DELETION = 'InvalidRequestException';

export class SecretsManagerSeedStore implements SeedStore {
  readonly #secretArn: string;
  readonly #secretTags: SeedSecret['seedSecretTags'];

  constructor(
    private readonly client: SecretsManagerClient,
    private readonly calls: AwsCalls,
    private readonly clock: Clock,
    private readonly requestTime: RequestTime,
    { seedSecretArn, seedSecretTags }: SeedSecret,
  ) {
    this.#secretArn = seedSecretArn;
    this.#secretTags = seedSecretTags;
  }

  newVersionId(serialNumber: string, rotationToken?: string): string {
    const uuid = randomUUID();
    const ownUuid = rotationToken === undefined ? uuid : uuidOfRotation(rotationToken, uuid);
    return seedVersionId(this.requestTime, ownUuid, serialNumber);
  }

  async readExisting(existing: ExistingSeed): Promise<string> {
    // Its tags tell which secret the template names: an event could name any that the role may read.
    await this.#state();
    return readExistingSeed(this.client, this.calls, existing);
  }

  async put(versionId: string, stored: StoredSeed): Promise<void> {
    const command = new PutSecretValueCommand({
      SecretId: this.#secretArn,
      ClientRequestToken: versionId,
      SecretString: JSON.stringify(stored),
      VersionStages: [PENDING_LABEL],
    });
    try {
      await this.calls.perform('secretsmanager:PutSecretValue', () => this.client.send(command));
    } catch (error) {
      throw await this.#explained(error);
    }
  }

  async read(versionId: string): Promise<SeedVersion> {
    const command = new GetSecretValueCommand({ SecretId: this.#secretArn, VersionId: versionId });
    try {
      const action = 'secretsmanager:GetSecretValue';
      const output = await this.calls.perform(action, () => this.client.send(command), notSeenYet(ABSENT));
      return this.#versionIn(output);
    } catch (error) {
      throw await this.#explained(error);
    }
  }

  async find(VersionId: string): Promise<SeedVersion | undefined> {
    return this.#isIssued(VersionId) ? this.#version({ VersionId }) : undefined;
  }

  async current(): Promise<SeedVersion | undefined> {
    const version = await this.#version({ VersionStage: 'AWSCURRENT' });
    return version && this.#isIssued(version.versionId) ? version : undefined;
  }

  async promote(versionId: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const state = await this.#state();
      if (this.#isSupersededIn(state)) throw failures.superseded();
      const currentId = state.labelled.find(([, labels]) => labels.includes('AWSCURRENT'))?.[0];
      if (currentId === versionId) return;
      const command = new UpdateSecretVersionStageCommand({
        SecretId: this.#secretArn,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: versionId,
        RemoveFromVersionId: currentId,
      });
      try {
        const action = 'secretsmanager:UpdateSecretVersionStage';
        await this.calls.perform(action, () => this.client.send(command), notSeenYet(ABSENT));
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

  async retire(): Promise<void> {
    const command = new TagResourceCommand({
      SecretId: this.#secretArn,
      Tags: [{ Key: RETIRED_TAG, Value: this.requestTime }],
    });
    await this.calls.perform('secretsmanager:TagResource', () => this.client.send(command));
  }

  async history(): Promise<SeedHistory | undefined> {
    const { isThere, labelled, tags, changedAt } = await this.#state();
    const issued = labelled.map(([versionId]) => versionId).filter((versionId) => this.#timeIn(versionId) !== '');
    return isThere ? { latestVersionId: issued.sort().at(-1), labels: new Map(labelled), tags, changedAt } : undefined;
  }

  async clearPending(versionId: string): Promise<void> {
    const { isThere, labelled } = await this.#state();
    if (!isThere) throw failures.seedSecretGone(this.#secretArn);
    if (!new Map(labelled).get(versionId)?.includes('AWSPENDING')) return;
    const command = new UpdateSecretVersionStageCommand({
      SecretId: this.#secretArn,
      VersionStage: 'AWSPENDING',
      RemoveFromVersionId: versionId,
    });
    await this.calls.perform('secretsmanager:UpdateSecretVersionStage', () => this.client.send(command));
  }

  /** Whether the handler can have stored a version under this id. */
  #isIssued(versionId: string): boolean {
    return isRotationVersionId(versionId) || (isSeedVersionId(versionId) && this.#timeIn(versionId) !== '');
  }

  #timeIn(text: string): RequestTime {
    return requestTimeIn(text, this.clock.now()) ?? '';
  }

  #isSupersededIn({ isThere, labelled, tags }: SecretState): boolean {
    const isLater = ([versionId]: readonly [string, unknown]) => this.#timeIn(versionId) > this.requestTime;
    // No request to make a device is of the same second as an earlier one to delete it.
    return !isThere || labelled.some(isLater) || this.#timeIn(tags.get(RETIRED_TAG) ?? '') >= this.requestTime;
  }

  async #state(): Promise<SecretState> {
    const command = new DescribeSecretCommand({ SecretId: this.#secretArn });
    const describe = async () => {
      const output = await this.client.send(command);
      const isOwn = this.#secretTags.every(({ Key, Value }) =>
        output.Tags?.some((tag) => tag.Key === Key && tag.Value === Value),
      );
      if (!isOwn) throw new SecretOfAnother();
      return output;
    };
    try {
      const action = 'secretsmanager:DescribeSecret';
      const output = await this.calls.perform(action, describe, notSeenYet('SecretOfAnother'));
      return {
        isThere: output.DeletedDate === undefined,
        labelled: Object.entries(output.VersionIdsToStages ?? {}),
        tags: new Map(output.Tags?.map(({ Key = '', Value = '' }) => [Key, Value])),
        changedAt: output.LastChangedDate?.getTime() ?? 0,
      };
    } catch (error) {
      if (isNamed(error, ABSENT)) return { isThere: false, labelled: [], tags: new Map(), changedAt: 0 };
      if (error instanceof AccessDeniedFailure) throw failures.seedSecretNotSeen(this.#secretArn);
      throw error instanceof SecretOfAnother ? failures.seedSecretOfAnother(this.#secretArn) : error;
    }
  }

  /** A secret that is gone has no tags, and for want of them AWS denies what the role may do with its own. */
  async #explained(error: unknown): Promise<unknown> {
    if (isNamed(error, ABSENT, MARKED_FOR_DELETION)) return failures.seedSecretGone(this.#secretArn);
    if (!(error instanceof AccessDeniedFailure)) return error;
    return this.#state().then(
      ({ isThere }) => (isThere ? error : failures.seedSecretGone(this.#secretArn)),
      (stateError: unknown) => stateError,
    );
  }

  async #version(
    which: { readonly VersionId: string } | { readonly VersionStage: string },
  ): Promise<SeedVersion | undefined> {
    const command = new GetSecretValueCommand({ SecretId: this.#secretArn, ...which });
    try {
      const output = await this.calls.perform('secretsmanager:GetSecretValue', () => this.client.send(command));
      return this.#versionIn(output);
    } catch (error) {
      if (isNamed(error, ABSENT, MARKED_FOR_DELETION)) return undefined;
      throw await this.#explained(error);
    }
  }

  #versionIn({ VersionId = '', SecretString, VersionStages }: GetSecretValueCommandOutput): SeedVersion {
    return {
      versionId: VersionId,
      stored: storedSeedIn(SecretString) ?? NO_SEED,
      isCurrent: VersionStages?.includes('AWSCURRENT') ?? false,
      isPrevious: VersionStages?.includes('AWSPREVIOUS') ?? false,
      requestTime: this.#timeIn(VersionId),
    };
  }
}
