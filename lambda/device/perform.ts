import {
  type ConsecutiveCodes,
  millisecondsToNextTimeStep,
  previousAndCurrentCode,
  timeStepAt,
} from '../contract/authentication-codes';
import { asFailure, isNamed, withoutSecrets } from '../aws/aws-errors';
import type { Clock } from '../contract/clock';
import { SEED_VERSION_TAG } from '../contract/own-tags';
import type { VirtualMfaDeviceTag } from '../contract/properties';
import { AccessDeniedFailure, failures } from '../failure';
import { requestTimeIn } from '../request-time';
import type { Ports } from './event-tools';
import {
  type Known,
  NOTHING_KNOWN_OF_DEVICE,
  type Refusal,
  type SeedRead,
  type SeedStored,
  type SeenDevice,
  type Tries,
} from './known';
import { versionIdInTag } from '../contract/seed-version';
import { adoptedTag, seedVersionTag } from './ownership';
import type { Action } from './step';
import { storedSeedOf } from '../contract/stored-seed';
import type { Wanted } from './wanted';

const PAUSE_FOR_SEED_MILLISECONDS = 500;
const PAUSE_FOR_USER_MILLISECONDS = 2_000;
/** STS takes the codes of a device up to 14 seconds after IAM has enabled it. */
const PAUSE_FOR_SIGN_IN_MILLISECONDS = 15_000;

/** What a step has taught; what it leaves out stays as it was. */
type Learned = Partial<Known>;

/** Performs the steps of one goal. What AWS answers is knowledge, errors too; this class decides nothing. */
export class Performer {
  /** The time step of the last codes that were sent. */
  #timeStep = 0;

  /** @param deadline in milliseconds since the epoch: no wait goes beyond */
  constructor(
    private readonly wanted: Wanted,
    private readonly ports: Ports,
    private readonly clock: Clock,
    private readonly deadline: number,
  ) {}

  async perform(step: Action, known: Known): Promise<Known> {
    const tried = { ...known, tries: counted(known.tries, step) };
    try {
      return { ...tried, ...(await this.#learn(step, known)) };
    } catch (error) {
      return { ...tried, ...learnedFrom(error, step, tried) };
    }
  }

  async #learn(step: Action, known: Known): Promise<Learned> {
    const { request, serialNumber, requestTime } = this.wanted;
    const { mfaDevices, seedStore } = this.ports;
    const { userName } = request;
    switch (step.do) {
      case 'create':
        return this.#create();
      case 'read existing seed': {
        const { existing } = request;
        if (!existing) throw new Error('No existing device was named');
        const text = await seedStore.readExisting(existing);
        const versionId = this.#newVersionId();
        return { seed: { is: 'in hand', versionId, text }, given: versionId };
      }
      case 'adopt': {
        const { versionId, wasEnabled } = step;
        const tags = [...request.tags, seedVersionTag(versionId, requestTime), adoptedTag(wasEnabled)];
        await mfaDevices.tag(serialNumber, tags);
        const enabled = wasEnabled ? { enabledForUser: [serialNumber] } : {};
        return { ...this.#tagged(tags, known), ...enabled, wasEnabled, made: versionId, isSuperseded: undefined };
      }
      case 'look at device': {
        const isOld = this.wanted.want === 'absent' && this.wanted.isOld;
        const tags = await mfaDevices.tagsOf(serialNumber, isOld);
        return tags ? this.#learnedFromTags(tags, known) : { ...NOTHING_KNOWN_OF_DEVICE, device: 'absent' };
      }
      case 'find seed': {
        const version = await seedStore.find(step.versionId);
        return { seed: version ? { is: 'read', ...version } : 'none' };
      }
      case 'look at current seed':
        return { current: (await seedStore.current()) ?? 'none' };
      case 'store': {
        const { versionId, text } = step.seed;
        const stored = storedSeedOf(request, text);
        const [, isSuperseded] = await Promise.all([seedStore.put(versionId, stored), seedStore.isSuperseded()]);
        return { seed: { is: 'stored', versionId }, isSuperseded };
      }
      case 'read':
        return { seed: { is: 'read', ...(await seedStore.read(step.seed.versionId)) } };
      case 'enable':
        await mfaDevices.enable(userName, serialNumber, this.#codesOf(step.seed));
        return {
          enabledForUser: [serialNumber],
          enabled: step.seed.versionId,
          proven: step.seed.versionId,
          refusal: undefined,
          // After a later request, a device that was made is gone, and cannot be enabled. One that was adopted is still there.
          ...(request.existing && { device: undefined, isSuperseded: undefined }),
        };
      case 'prove':
        await mfaDevices.resync(userName, serialNumber, this.#codesOf(step.seed));
        return { proven: step.seed.versionId, refusal: undefined };
      case 'store anew': {
        const versionId = step.versionId ?? this.#newVersionId();
        const stored = storedSeedOf(request, step.seed.stored.seed);
        await seedStore.put(versionId, stored);
        const anewFrom = step.seed.versionId;
        return { seed: { is: 'read', versionId, stored, requestTime, isCurrent: false, isPrevious: false, anewFrom } };
      }
      case 'promote': {
        await seedStore.promote(step.seed.versionId);
        const seed = { ...step.seed, isCurrent: true };
        // A rotation may have made the device anew since its seed was read.
        return step.seed.anewFrom === undefined ? { seed } : { seed, device: undefined };
      }
      case 'ask whether superseded':
        return { isSuperseded: await seedStore.isSuperseded() };
      case 'list devices of user':
        return { enabledForUser: (await mfaDevices.enabledFor(userName)) ?? 'no such user' };
      case 'find holder': {
        const holder = { userName: await mfaDevices.holderOf(serialNumber) };
        // A duplicate may have adopted the device meanwhile.
        return request.existing ? { holder, device: undefined } : { holder };
      }
      case 'tag':
        await mfaDevices.tag(serialNumber, step.tags);
        return this.#tagged(step.tags, known);
      case 'untag':
        await mfaDevices.untag(serialNumber, step.keys);
        return { device: this.#seen(new Map([...tagsIn(known)].filter(([key]) => !step.keys.includes(key)))) };
      case 'deactivate':
        await mfaDevices.deactivate(step.userName, serialNumber);
        return { isAssigned: undefined, enabledForUser: undefined };
      case 'delete': {
        const isAbsent = (await mfaDevices.delete(serialNumber)) === 'absent now';
        if (isAbsent) return { ...NOTHING_KNOWN_OF_DEVICE, device: 'absent', isAnswerLost: undefined };
        return { isAssigned: true, device: undefined, seed: undefined };
      }
      case 'retire':
        await seedStore.retire();
        return { isRetired: true };
      case 'wait for seed':
        await this.#wait(PAUSE_FOR_SEED_MILLISECONDS, known);
        return { device: undefined, seed: undefined };
      case 'wait for sign-in':
        await this.#wait(PAUSE_FOR_SIGN_IN_MILLISECONDS, known);
        return { canSignIn: true };
      case 'wait for user':
        await this.#wait(PAUSE_FOR_USER_MILLISECONDS, known);
        return { enabledForUser: undefined, refusal: undefined };
      case 'wait for other codes': {
        const now = this.clock.now();
        if (timeStepAt(now) === this.#timeStep) await this.#wait(millisecondsToNextTimeStep(now), known);
        return { refusal: undefined };
      }
    }
  }

  #newVersionId(): string {
    const { wanted } = this;
    return this.ports.seedStore.newVersionId(
      wanted.serialNumber,
      wanted.want === 'present' ? wanted.rotationToken : undefined,
    );
  }

  async #create(): Promise<Learned> {
    const { path, virtualMfaDeviceName, tags } = this.wanted.request;
    const versionId = this.#newVersionId();
    const allTags = [...tags, seedVersionTag(versionId, this.wanted.requestTime)];
    const creation = await this.ports.mfaDevices.create(path, virtualMfaDeviceName, allTags);
    if (creation.outcome === 'exists') return { ...NOTHING_KNOWN_OF_DEVICE, isAnswerLost: creation.triedBefore };
    return {
      ...NOTHING_KNOWN_OF_DEVICE,
      device: this.#seen(new Map(allTags.map(({ Key, Value }) => [Key, Value]))),
      seed: { is: 'in hand', versionId, text: creation.seed },
      // Not this one, presumably: a duplicate that has enabled it already shows at the enabling.
      enabledForUser: [],
      made: versionId,
    };
  }

  #tagged(tags: readonly VirtualMfaDeviceTag[], known: Known): Learned {
    const added = tags.map(({ Key, Value }) => [Key, Value] as const);
    return this.#learnedFromTags(new Map([...tagsIn(known), ...added]), known);
  }

  /** Another seed version makes it another device: somebody has made it anew. */
  #learnedFromTags(tags: ReadonlyMap<string, string>, { seed }: Known): Learned {
    const device = this.#seen(tags);
    if (typeof seed !== 'object' || device.versionId === undefined) return { device };
    const knownIds = [seed.versionId, ...(seed.is === 'read' ? [seed.anewFrom] : [])];
    return knownIds.includes(device.versionId) ? { device } : { ...NOTHING_KNOWN_OF_DEVICE, device };
  }

  #seen(tags: ReadonlyMap<string, string>): SeenDevice {
    const tag = tags.get(SEED_VERSION_TAG);
    const versionId = tag === undefined ? undefined : versionIdInTag(tag);
    return { tags, versionId, madeAt: requestTimeIn(tag ?? '', this.clock.now()) };
  }

  /** Codes are computed right before each try, for a call that is tried again needs others. */
  #codesOf({ stored }: SeedRead): () => ConsecutiveCodes {
    return () => {
      const now = this.clock.now();
      this.#timeStep = timeStepAt(now);
      return previousAndCurrentCode(stored.seed, now);
    };
  }

  async #wait(milliseconds: number, { refusal }: Known): Promise<void> {
    if (this.clock.now() + milliseconds > this.deadline) {
      throw failures.timeRanOut('iam:EnableMFADevice', refusal?.answer ?? 'NoSuchEntityException');
    }
    await this.clock.sleep(milliseconds);
  }
}

const COUNTED: Partial<Record<Action['do'], keyof Tries>> = {
  create: 'created',
  enable: 'enabled',
  prove: 'proofs',
  deactivate: 'deactivated',
  'wait for seed': 'waitedForSeed',
  'wait for user': 'waitedForUser',
};

function counted(tries: Tries, step: Action): Tries {
  const name = COUNTED[step.do];
  return name ? { ...tries, [name]: tries[name] + 1 } : tries;
}

/** What an error tells. One that tells nothing that there is a rule for is the failure of the step. */
function learnedFrom(error: unknown, step: Action, { tries }: Known): Learned {
  const failure = asFailure(error);
  if (step.do === 'create' && isNamed(error, 'LimitExceededException')) {
    return { failure: failures.tooManyDevicesInAccount() };
  }
  if (step.do === 'deactivate' && error instanceof AccessDeniedFailure) {
    return { denied: { userName: step.userName, failure: error }, isAssigned: undefined };
  }
  if (step.do === 'promote') {
    const { versionId } = step.seed;
    return { doubt: { versionId, failure }, seed: undefined, isSuperseded: undefined };
  }
  const isTagging = step.do === 'tag' || step.do === 'untag' || step.do === 'adopt';
  if (isTagging && isNamed(error, 'NoSuchEntityException')) {
    return { ...NOTHING_KNOWN_OF_DEVICE, tries: { ...tries, vanished: tries.vanished + 1 } };
  }
  // It may have taken effect.
  if (step.do === 'adopt') return { failure, made: step.versionId };
  const why = whyRefused(error, step);
  if (!why || (step.do !== 'enable' && step.do !== 'prove')) return { failure };
  const { versionId } = step.seed;
  const answer = error instanceof Error ? `${error.name}: ${withoutSecrets(error.message)}` : '';
  const refusal: Refusal = { versionId, why, answer };
  if (step.do === 'prove')
    return why === 'codes' ? { refusal } : { device: undefined, enabledForUser: undefined, holder: undefined };
  // A concurrent duplicate may have enabled the device, or made it anew: then this seed is not its seed.
  const stored: SeedStored = { is: 'stored', versionId };
  const refused = why === 'codes' || why === 'enabled already' ? tries.refused + 1 : tries.refused;
  return {
    refusal,
    device: undefined,
    enabledForUser: undefined,
    seed: why === 'codes' || why === 'enabled already' ? stored : step.seed,
    tries: { ...tries, refused },
  };
}

function whyRefused(error: unknown, step: Action): Refusal['why'] | undefined {
  if (isNamed(error, 'InvalidAuthenticationCodeException')) return 'codes';
  if (isNamed(error, 'NoSuchEntityException')) return 'not there';
  if (step.do !== 'enable') return undefined;
  if (isNamed(error, 'EntityAlreadyExistsException')) return 'enabled already';
  return isNamed(error, 'LimitExceededException') ? 'no room' : undefined;
}

function tagsIn({ device }: Known): ReadonlyMap<string, string> {
  return typeof device === 'object' ? device.tags : new Map();
}
