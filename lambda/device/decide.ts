import { type Failure, failures, SecretGoneFailure, withRemains } from '../failure';
import { isSameEnrollment, ownershipByTags, seedVersionTag, wasUnassigned } from './ownership';
import type { SeedVersion } from '../aws/seed-store';
import type { Known, SeedInHand, SeedRead, SeedStored, SeenDevice } from './known';
import { OWN_TAG_KEYS } from '../contract/own-tags';
import type { VirtualMfaDeviceTag } from '../contract/properties';
import type { Step } from './step';
import { isOrBridges } from '../contract/serial-number';
import { storedSeedOf } from '../contract/stored-seed';
import type { Absent, Goal, Present, Proven, Released, Retired, Wanted } from './wanted';

const CREATIONS = 3;
/** Above what the waits for a user and the refusals come to: only somebody who makes the device anew each time reaches it. */
const ENABLINGS = 30;
/** IAM takes no pair of codes twice, nor one that overlaps the last: right after an enabling, the third one is new. */
const CODE_TRIES = 4;
/** The same, and once more where the answer to codes that IAM took was lost. */
const PROOF_TRIES = 6;
/** Of half a second: a concurrent duplicate of an event stores its seed 3 seconds after it created the device, at most. */
const WAITS_FOR_SEED = 6;
/** Of two seconds: IAM sees a new user, or a new device, everywhere within 45 seconds. A misspelt name fails after that. */
const WAITS_FOR_USER = 22;
/** IAM takes eight MFA devices for a user. */
const MAX_DEVICES = 8;

/**
 * The next step towards what is wanted, from what is known. It reads no clock and makes no call: see docs/design.md for the rules,
 * and test/lambda/walk.test.ts for all that can happen.
 */
export function decide(wanted: Wanted, known: Known): Step {
  switch (wanted.want) {
    case 'present':
      return towardsPresent(wanted, known);
    case 'proven':
      return towardsProven(wanted, known);
    case 'retired':
      return towardsRetired(wanted, known);
    case 'absent':
      return towardsAbsent(wanted, known);
    case 'released':
      return towardsReleased(wanted, known);
  }
}

/** A device; ours; its seed stored and read back; its tags; enabled; its seed proven, and current. In this order. */
function towardsPresent(wanted: Present, known: Known): Step {
  const { request, serialNumber, requestTime } = wanted;
  const { device, seed, isSuperseded, enabledForUser, doubt, tries } = known;
  if (doubt && (known.failure || seed === undefined || isSuperseded === undefined))
    return inDoubt(wanted, known, doubt);
  if (known.failure) return failed(wanted, known.failure);

  if (tries.vanished > CREATIONS) return failed(wanted, failures.deviceKeepsVanishing(serialNumber));
  // A duplicate marks the device that it adopts before it enables it: one that was enabled and has no marks then was found so.
  const isAdopting = request.existing !== undefined && !wanted.isInPlace;
  if (isAdopting && device === undefined && enabledForUser === undefined) return { do: 'list devices of user' };
  if (device === undefined) return { do: 'look at device' };
  if (device === 'absent') {
    if (request.existing) return refused(failures.existingDeviceAbsent(serialNumber));
    if (tries.created === 0) return { do: 'create' };
    // A Delete, or a rollback, may have overtaken this event: then nobody wants the device any more.
    if (isSuperseded === undefined) return { do: 'ask whether superseded' };
    if (isSuperseded) return failed(wanted, failures.superseded());
    if (tries.created >= CREATIONS) return failed(wanted, failures.deviceKeepsVanishing(serialNumber));
    return { do: 'create' };
  }

  const ownership = ownershipByTags(device.tags, request);
  if (ownership === "someone else's") {
    return refused(failures[request.existing ? 'existingDeviceOfAnother' : 'notOurDevice'](serialNumber));
  }
  if (ownership === 'unmarked') {
    return isAdopting ? adopting(wanted, known) : markedAnew(wanted, known);
  }
  if (isMadeLater(device, wanted)) return refused(failures.superseded());
  // First of all, or a late run of an earlier request might give it back.
  if (isAdopting && device.madeAt !== requestTime) return takingOver(known, device);
  if (wanted.isInPlace && !isSameEnrollment(device.tags, request)) {
    return refused(failures.sameNameReplacement(serialNumber));
  }

  if (seed === undefined) return { do: 'find seed', versionId: device.versionId ?? '' };
  if (seed === 'none' || (seed.is === 'read' && !isRecorded(seed, wanted))) return withoutSeed(wanted, known);
  if (seed.is === 'in hand') return { do: 'store', seed };
  // Asked while the device is there: a Delete that came before is seen here, and one that comes later sees the device.
  if (isSuperseded === undefined) return { do: 'ask whether superseded' };
  if (isSuperseded) return doubt ? notPromoted(wanted, doubt, seed) : failed(wanted, failures.superseded());
  if (seed.is === 'stored') return { do: 'read', seed };

  // All tags at once: the role may tag only with the ownership tags in the same request.
  if (request.tags.some(({ Key, Value }) => device.tags.get(Key) !== Value)) return { do: 'tag', tags: request.tags };
  const keys = wanted.formerTagKeys.filter(
    (key) => device.tags.has(key) && !request.tags.some(({ Key }) => Key === key),
  );
  if (keys.length > 0) return { do: 'untag', keys };

  // A run that has died may have left the tag of a version that it has not stored.
  if (isAdopting && seed.versionId === known.given && device.versionId !== seed.versionId) {
    return { do: 'tag', tags: tagsWith(seed, wanted) };
  }

  // Enabled before its seed becomes current: until then, the current seed is that of the device which works.
  if (enabledForUser === undefined) return { do: 'list devices of user' };
  if (!isEnabled(wanted, known)) return enabling(wanted, known, seed);
  const isProven = known.proven !== undefined && [seed.versionId, seed.anewFrom].includes(known.proven);
  if ((isAdopting || seed.versionId === known.given) && !isProven) {
    return proving(known, [seed], failed(wanted, wrongSeed(wanted)));
  }
  const isOwn = seed.requestTime === requestTime;
  // Of a device that is there already, a rotation may have another seed.
  const isTrusted = seed.anewFrom !== undefined || known.proven === seed.versionId || (isOwn && !wanted.isInPlace);
  if (!seed.isCurrent && !isTrusted) {
    const { current } = known;
    if (current === undefined) return { do: 'look at current seed' };
    if (!needsNoProof(seed, current, wanted)) {
      // The tag may have been moved, or a duplicate that ran late has set it: then the current seed is that of the device.
      const other = current !== 'none' && isRecorded(current, wanted) ? current : undefined;
      if (other && known.proven === other.versionId) return { do: 'tag', tags: tagsWith(other, wanted) };
      return proving(known, [seed, ...(other ? [other] : [])], failed(wanted, failures.seedNotOfDevice(serialNumber)));
    }
  }

  const isAsWanted = storedSeedOf(request, seed.stored.seed).otpauthUri === seed.stored.otpauthUri;
  const isWantedVersion = seed.versionId === (wanted.seedVersionId ?? seed.versionId);
  if (!isAsWanted || !isWantedVersion || (!isOwn && (wanted.takesOver || !seed.isCurrent))) {
    return { do: 'store anew', seed, versionId: wanted.seedVersionId };
  }
  if (!seed.isCurrent) {
    if (doubt) return notPromoted(wanted, doubt, seed);
    return wanted.waitsForSignIn && !known.canSignIn ? { do: 'wait for sign-in' } : { do: 'promote', seed };
  }
  if (device.versionId !== seed.versionId) {
    return { do: 'tag', tags: tagsWith(seed, wanted) };
  }
  return { do: 'done' };
}

/**
 * Making a seed current failed, but a concurrent duplicate of the event may have done it, and answered success, or the answer was lost.
 * Such a device must stay; and so must one of which that cannot be told.
 */
function inDoubt(wanted: Present, known: Known, doubt: NonNullable<Known['doubt']>): Step {
  if (known.failure) return refused(withRemains(doubt.failure, wanted.serialNumber, known.failure));
  if (known.seed === undefined) return { do: 'find seed', versionId: doubt.versionId };
  return { do: 'ask whether superseded' };
}

/** What has been current, a duplicate has made so, and may have told CloudFormation of it: a later request sees the device. */
function notPromoted(wanted: Present, { failure }: NonNullable<Known['doubt']>, seed: SeedStored | SeedRead): Step {
  const hasBeenCurrent = seed.is === 'read' && (seed.isCurrent || seed.isPrevious);
  return hasBeenCurrent ? refused(failure) : failed(wanted, failure);
}

/**
 * A device whose tags somebody took away. It is ours only if it is enabled already and IAM takes the codes of the secret's current
 * seed: anybody can make a device without tags, and whoever may write to the secret can name one there.
 */
function markedAnew(wanted: Present, known: Known): Step {
  const { current } = known;
  const notOurs = failures.notOurDevice(wanted.serialNumber);
  if (current === undefined) return { do: 'look at current seed' };
  if (current === 'none' || !isRecorded(current, wanted)) return refused(notOurs);
  if (!wanted.isInPlace && current.requestTime !== wanted.requestTime) return refused(notOurs);
  if (known.enabledForUser === undefined) return { do: 'list devices of user' };
  if (!isEnabled(wanted, known)) return refused(notOurs);
  if (known.proven !== current.versionId) return proving(known, [current], refused(notOurs));
  // Another run of this event has finished. A Delete may have left the device since, and nobody would delete it again.
  if (!wanted.isInPlace) return { do: 'done' };
  if (known.isSuperseded === undefined) return { do: 'ask whether superseded' };
  if (known.isSuperseded) return failed(wanted, failures.superseded());
  return { do: 'tag', tags: tagsWith(current, wanted) };
}

/**
 * A device that somebody else has made, and whose seed is given. It is touched only where nobody else uses it; if its user does, only once
 * IAM has taken the codes of the seed. Its tag says how it was found.
 */
function adopting(wanted: Present, known: Known): Step {
  const { seed, holder } = known;
  const { serialNumber, request } = wanted;
  // A duplicate may have enabled it for its user since the user's devices were listed.
  const isFoundEnabled = isEnabled(wanted, known) || holder?.userName === request.userName;
  if (!isFoundEnabled) {
    if (!holder) return { do: 'find holder' };
    if (holder.userName !== undefined) {
      return refused(failures.enabledForAnotherUser(serialNumber, request.userName));
    }
  }
  if (typeof seed !== 'object') return { do: 'read existing seed' };
  if (isFoundEnabled && known.proven !== seed.versionId) {
    if (seed.is !== 'in hand') return { do: 'read existing seed' };
    return proving(known, [asIfStored(seed, wanted)], refused(wrongSeed(wanted)));
  }
  const wasEnabled = known.wasEnabled ?? (isFoundEnabled && known.enabled === undefined);
  return { do: 'adopt', versionId: seed.versionId, wasEnabled };
}

/** A device that an earlier request has adopted, in the name of this one. */
function takingOver({ seed }: Known, { tags }: SeenDevice): Step {
  if (typeof seed !== 'object' || seed.is !== 'in hand') return { do: 'read existing seed' };
  return { do: 'adopt', versionId: seed.versionId, wasEnabled: !wasUnassigned(tags) };
}

/** A device whose seed is nowhere cannot be enabled: another takes its place, unless it is enabled already. */
function withoutSeed(wanted: Present, { doubt, isAssigned, holder, isAnswerLost, tries }: Known): Step {
  const { serialNumber, request } = wanted;
  if (doubt) return failed(wanted, doubt.failure);
  if (isAssigned) {
    if (!holder) return { do: 'find holder' };
    return refused(failures.seedOfEnabledDeviceLost(serialNumber, holder.userName ?? request.userName));
  }
  const mayCome = !isAnswerLost && tries.waitedForSeed < WAITS_FOR_SEED;
  if (mayCome) return { do: 'wait for seed' };
  return { do: request.existing ? 'read existing seed' : 'delete' };
}

function enabling(wanted: Present, { enabledForUser = [], refusal, given, tries }: Known, seed: SeedRead): Step {
  const { request, serialNumber } = wanted;
  const { userName } = request;
  if (enabledForUser === 'no such user') {
    return tries.waitedForUser < WAITS_FOR_USER
      ? { do: 'wait for user' }
      : failed(wanted, failures.noSuchUser(userName));
  }
  switch (refusal?.why) {
    case 'not there':
      return tries.waitedForUser < WAITS_FOR_USER
        ? { do: 'wait for user' }
        : failed(wanted, failures.unexpected(refusal.answer));
    case 'no room':
      return enabledForUser.length < MAX_DEVICES
        ? failed(wanted, failures.userQuotaReached(userName, enabledForUser.length))
        : failed(wanted, failures.tooManyDevices(userName, enabledForUser));
    case 'enabled already':
      return failed(wanted, failures.enabledForAnotherUser(serialNumber, userName));
    case 'codes':
    case undefined:
      if (tries.refused >= CODE_TRIES) {
        return failed(wanted, seed.versionId === given ? wrongSeed(wanted) : failures.codesRefused(serialNumber));
      }
      if (tries.enabled >= ENABLINGS) return failed(wanted, failures.deviceKeepsVanishing(serialNumber));
      return refusal ? { do: 'wait for other codes' } : { do: 'enable', seed };
  }
}

/**
 * A seed becomes current only once IAM has taken its codes, so one that has been current last, as far as this device goes, needs no
 * proof. Nor does one of this event, if the current one is older: only a rotation in the name of this event makes another seed current.
 * Any other does: somebody may have moved the device's tag to the version of a seed that is dead.
 */
function needsNoProof(seed: SeedRead, current: 'none' | SeedVersion, { serialNumber, requestTime }: Present): boolean {
  const isOfDevice = current !== 'none' && current.stored.serialNumber === serialNumber;
  const isOwn = seed.requestTime === requestTime;
  if (!isOfDevice) return seed.isPrevious || isOwn;
  const isOfEarlier = current.requestTime !== '' && current.requestTime < requestTime;
  return current.stored.seed === seed.stored.seed || (isOwn && isOfEarlier);
}

/**
 * Finds out which of some stored seeds is that of the device, which is enabled already. IAM takes no codes before their time, so each
 * is tried in every time step.
 *
 * @param otherwise the end where none is
 */
function proving({ refusal, tries }: Known, seeds: readonly SeedVersion[], otherwise: Step): Step {
  if (tries.proofs >= PROOF_TRIES * seeds.length) return otherwise;
  const refused = refusal?.why === 'codes' ? seeds.findIndex(({ versionId }) => versionId === refusal.versionId) : -1;
  const seed = seeds[refused + 1];
  return seed ? { do: 'prove', seed: { is: 'read', ...seed } } : { do: 'wait for other codes' };
}

/**
 * Whoever may write to the secret can name any device there, but does not have its seed: only a proof tells that the secret is the
 * device's.
 */
function towardsProven(wanted: Proven, known: Known): Step {
  const { serialNumber, request } = wanted;
  const { device, current, enabledForUser } = known;
  if (known.failure) return refused(known.failure);
  if (device === undefined) return { do: 'look at device' };
  const notProven = refused(failures.notEnabledWithCurrentSeed(serialNumber, request.userName));
  if (device === 'absent') return notProven;
  if (ownershipByTags(device.tags, request) !== 'ours') return refused(failures.notOurDevice(serialNumber));
  if (isMadeLater(device, wanted)) return refused(failures.superseded());
  if (current === undefined) return { do: 'look at current seed' };
  if (current === 'none' || !isRecorded(current, wanted)) return notProven;
  if (enabledForUser === undefined) return { do: 'list devices of user' };
  if (!isEnabled(wanted, known)) return notProven;
  return known.proven === current.versionId ? { do: 'done' } : proving(known, [current], notProven);
}

/**
 * Not while the current seed is another device's: the device goes because that one has replaced it, and a late duplicate of the
 * replacement must not take itself for superseded. The bridge of a rotation is no replacement. A secret that is out of order does not
 * keep the device alive.
 */
function towardsRetired({ serialNumber }: Retired, { current, isRetired, failure }: Known): Step {
  if (isRetired || failure) return { do: 'done' };
  if (current === undefined) return { do: 'look at current seed' };
  const isOfReplacement = current !== 'none' && !isOrBridges(current.stored.serialNumber, serialNumber);
  if (isOfReplacement) return { do: 'done' };
  return { do: 'retire' };
}

/** Deactivated and deleted. What is gone already, or was never ours, is no reason to block the stack. */
function towardsAbsent(wanted: Absent, known: Known): Step {
  const { request, serialNumber, undoing } = wanted;
  const { device, isAssigned, holder, denied, tries } = known;
  const { userName } = request;
  if (known.failure) return refused(known.failure);
  if (device === undefined) return { do: 'look at device' };
  if (device === 'absent') return { do: 'done' };
  const ownership = ownershipByTags(device.tags, request);
  if (ownership !== 'ours') return { do: 'leave', because: `its tags say that it is ${ownership}` };
  if (isMadeLater(device, wanted)) return { do: 'leave', because: 'a later request has made it' };
  if (undoing && !undoing.alsoFound && device.versionId !== undoing.made) {
    return { do: 'leave', because: 'this run has not made it' };
  }
  // Whoever has enabled it answers for it: a duplicate of this event may have told CloudFormation of it. What an earlier event has made stays.
  if (undoing && !(device.versionId === undoing.enabled && device.madeAt === wanted.requestTime)) {
    return isAssigned ? { do: 'leave', because: 'it is enabled, so somebody uses it' } : { do: 'delete' };
  }

  // Enabled for its user, presumably, until IAM says otherwise.
  if (tries.deactivated === 0) return { do: 'deactivate', userName };
  // Elsewhere than for its user: the role may not act there.
  if (denied && denied.userName !== userName) {
    return { do: 'leave', because: 'it is enabled for a user outside the stack' };
  }
  if (!isAssigned) return { do: 'delete' };
  // Denied where the user's path was not known: such a device was never enabled, and does not get here.
  if (denied) return refused(denied.failure);
  if (tries.deactivated > 1) return refused(failures.stillEnabled(serialNumber, holder?.userName ?? userName));
  if (!holder) return { do: 'find holder' };
  return { do: 'deactivate', userName: holder.userName ?? userName };
}

/** As it was found: whoever made the device, and whoever uses it, finds it as before. */
function towardsReleased(wanted: Released, known: Known): Step {
  const { request, serialNumber, undoing } = wanted;
  const { device, tries } = known;
  const { userName } = request;
  const failure = known.failure ?? known.denied?.failure;
  if (failure) return refused(failure);
  if (tries.vanished > CREATIONS) return refused(failures.deviceKeepsVanishing(serialNumber));
  if (device === undefined) return { do: 'look at device' };
  if (device === 'absent') return { do: 'done' };
  const ownership = ownershipByTags(device.tags, request);
  if (ownership === "someone else's") return { do: 'leave', because: `its tags say that it is ${ownership}` };
  const isGivenBack = ownership === 'unmarked';
  if (isGivenBack && undoing?.enabled === undefined) return { do: 'done' };
  if (isMadeLater(device, wanted)) return { do: 'leave', because: 'a later request has made it' };
  if (!isGivenBack && undoing && !(undoing.alsoFound && device.madeAt === wanted.requestTime)) {
    return { do: 'leave', because: 'an earlier request has adopted it' };
  }
  if (isGivenBack || wasUnassigned(device.tags)) {
    // Whoever has enabled it answers for it: see towardsAbsent.
    const isOthers = !isGivenBack && undoing && device.versionId !== undoing.enabled;
    if (!isOthers && tries.deactivated === 0) return { do: 'deactivate', userName };
    // Not taken on trust: IAM may have answered as if the device were not there.
    if (known.enabledForUser === undefined) return { do: 'list devices of user' };
    if (isEnabled(wanted, known)) {
      if (isOthers) return { do: 'leave', because: 'it is enabled, so somebody uses it' };
      if (tries.deactivated === 1) return { do: 'deactivate', userName };
      if (tries.waitedForUser < WAITS_FOR_USER) return { do: 'wait for user' };
      return refused(failures.stillEnabled(serialNumber, userName));
    }
  }
  if (isGivenBack) return { do: 'done' };
  const keys = [...OWN_TAG_KEYS, ...request.tags.map(({ Key }) => Key)];
  return { do: 'untag', keys: [...new Set(keys)].filter((key) => device.tags.has(key)) };
}

/** A failure after which there is nothing of this run to take back, or nothing that may be. */
function refused(failure: Failure): Step {
  return { do: 'fail', failure, undo: 'nothing' };
}

/** A device that CloudFormation knows stays, though nobody wants it without a secret. */
function failed({ isInPlace, request }: Present, failure: Failure): Step {
  if (request.existing) return { do: 'fail', failure, undo: 'what it adopted' };
  const isSpared = isInPlace && !(failure instanceof SecretGoneFailure);
  return { do: 'fail', failure, undo: isSpared ? 'what it made' : 'what it made, or found enabled for nobody' };
}

function isMadeLater({ madeAt = '' }: SeenDevice, { requestTime }: Wanted): boolean {
  return madeAt > requestTime;
}

function tagsWith({ versionId }: SeedVersion, { request, requestTime }: Goal): readonly VirtualMfaDeviceTag[] {
  return [...request.tags, seedVersionTag(versionId, requestTime)];
}

/** A seed in hand, in the form of one that is stored. */
function asIfStored({ versionId, text }: SeedInHand, { request, requestTime }: Goal): SeedRead {
  const stored = storedSeedOf(request, text);
  return { is: 'read', versionId, stored, requestTime, isCurrent: false, isPrevious: false };
}

function wrongSeed({ serialNumber, request }: Goal): Failure {
  return failures.existingSeedWrong(serialNumber, request.userName);
}

/** Whether a version records the device and its user. */
function isRecorded({ stored }: SeedVersion, { serialNumber, request }: Goal): boolean {
  return stored.serialNumber === serialNumber && stored.userName === request.userName;
}

function isEnabled({ serialNumber }: Goal, { enabledForUser = [] }: Known): boolean {
  return enabledForUser !== 'no such user' && enabledForUser.includes(serialNumber);
}
