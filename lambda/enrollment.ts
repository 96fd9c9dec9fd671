import { generateURI } from 'otplib/functional';
import { isAbsent, isNamed } from './aws-errors';
import { SEED_VERSION_TAG, type StoredSeed } from './contract';
import type { EnrollmentRequest } from './enrollment-request';
import type { EnrollmentTools } from './enrollment-tools';
import { findDevice } from './existing-device';
import { failures } from './failure';
import { FreshCodes } from './fresh-codes';
import { seedVersionTag } from './ownership';
import { isCurrentAfterAll, type SeededDevice, undone } from './removal';
import { requestTimeIn } from './request-time';
import { isProvenSeed } from './seed-proof';
import type { SeedVersion } from './seed-store';

/** A concurrent duplicate of an event stores its seed this long after it created the device, at most. */
const GRACE_MILLISECONDS = 3_000;
const GRACE_POLLS = 6;
const CODE_TRIES = 4;
const CREATION_TRIES = 3;
/** IAM takes eight MFA devices for a user. */
const MAX_DEVICES = 8;
/** IAM sees a new user, or a new device, everywhere within seconds. A misspelt name fails after this time. */
const NOT_SEEN_YET_MILLISECONDS = 45_000;
const NOT_SEEN_YET_PAUSE_MILLISECONDS = 2_000;

/** Thrown when the device is gone while it is being enabled, or another stands in its place. */
class DeviceVanished extends Error {}

/**
 * Gives the user an enabled device whose seed is stored: create, store the seed, read the stored version back, enable, make the
 * seed current. What an earlier run left is resumed; what fails is undone.
 */
export async function enroll(request: EnrollmentRequest, tools: EnrollmentTools): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const device = await createWithSeed(request, tools);
    // One that could not be enabled was deleted, or somebody deleted it meanwhile.
    if (!device) {
      if (tries < CREATION_TRIES) continue;
      throw failures.deviceKeepsVanishing(request.serialNumber);
    }
    let version;
    try {
      version = await enable(request, device.versionId, tools);
    } catch (error) {
      if (!(error instanceof DeviceVanished)) throw await undone(error, request, device, tools);
      // A Delete, or a rollback, may have overtaken this event: then nobody wants the device any more.
      if (await tools.seedStore.isSuperseded()) throw failures.superseded();
      if (tries >= CREATION_TRIES) throw failures.deviceKeepsVanishing(request.serialNumber);
      continue;
    }
    await makeCurrent(request, version, tools).catch(async (error: unknown) => {
      const isDone = await isCurrentAfterAll(error, request, device, tools);
      if (!isDone) throw await undone(error, request, device, tools);
    });
    return;
  }
}

/**
 * Makes the seed of an enabled device current: its own version, or, of a device that an earlier event made, a version anew. Storing
 * alone does not: a duplicate may store, however late, the seed of a device that is gone.
 *
 * @param version as it was before its device was enabled. Current then, it still is: no other is promoted while its device exists.
 */
async function makeCurrent(
  request: EnrollmentRequest,
  { versionId, stored, isCurrent }: SeedVersion,
  tools: EnrollmentTools,
): Promise<void> {
  if (requestTimeIn(versionId, tools.clock.now()) !== tools.requestTime) await storeAnew(request, stored.seed, tools);
  else if (!isCurrent) await tools.seedStore.promote(versionId);
}

/**
 * Stores the seed of a device that exists as this event's own version, and makes it current: what an earlier event still does
 * late is then superseded.
 *
 * @returns the version's id
 * @throws Failure where a later event has been here
 */
export async function storeAnew(
  request: EnrollmentRequest,
  seed: string,
  { seedStore, mfaDevices }: EnrollmentTools,
): Promise<string> {
  const versionId = seedStore.newVersionId();
  await seedStore.put(versionId, storedSeedOf(request, seed));
  await seedStore.promote(versionId);
  await mfaDevices.tag(request.serialNumber, [...request.tags, seedVersionTag(versionId)]);
  return versionId;
}

/** Enables a device that exists, with the seed it has; one that vanishes meanwhile is made anew. */
export async function enableAgain(
  request: EnrollmentRequest,
  versionId: string,
  tools: EnrollmentTools,
): Promise<'enabled' | 'made anew'> {
  if (await tools.seedStore.isSuperseded()) throw failures.superseded();
  try {
    await enable(request, versionId, tools);
    return 'enabled';
  } catch (error) {
    if (!(error instanceof DeviceVanished)) throw error;
    await enroll(request, tools);
    return 'made anew';
  }
}

/** Enables a device with the codes of its stored seed, which it returns as it was read. Done already counts as done. */
async function enable(request: EnrollmentRequest, versionId: string, tools: EnrollmentTools): Promise<SeedVersion> {
  const { userName, serialNumber } = request;
  const { mfaDevices, seedStore, clock } = tools;
  const started = clock.now();
  // A concurrent duplicate may have made the device anew: then this seed is not its seed.
  const isStillThere = async () => {
    const tags = await mfaDevices.tagsOf(serialNumber);
    return tags !== undefined && (tags.get(SEED_VERSION_TAG) ?? versionId) === versionId;
  };
  for (let tries = 1; ;) {
    const version = await seedStore.read(versionId);
    const codes = new FreshCodes(version.stored.seed, clock);
    try {
      await mfaDevices.enable(userName, serialNumber, codes.compute);
      return version;
    } catch (error) {
      if (isNamed(error, 'EntityAlreadyExistsException')) {
        if (!(await isStillThere())) throw new DeviceVanished();
        const isEnabled = (await mfaDevices.enabledFor(userName))?.includes(serialNumber);
        if (!isEnabled) throw failures.enabledForAnotherUser(serialNumber, userName);
        if (await isProvenSeed(request, version, tools)) return version;
        if (tries >= CODE_TRIES) throw failures.seedNotOfDevice(serialNumber);
        tries += 1;
      } else if (isNamed(error, 'InvalidAuthenticationCodeException')) {
        if (!(await isStillThere())) throw new DeviceVanished();
        if (tries >= CODE_TRIES) throw failures.codesRefused(serialNumber);
        tries += 1;
        await codes.others();
      } else if (isNamed(error, 'LimitExceededException')) {
        const devices = (await mfaDevices.enabledFor(userName)) ?? [];
        if (devices.length < MAX_DEVICES) throw failures.userQuotaReached(userName, devices.length);
        throw failures.tooManyDevices(userName, devices);
      } else if (isAbsent(error)) {
        const isUser = (await mfaDevices.enabledFor(userName)) !== undefined;
        if (isUser && !(await isStillThere())) throw new DeviceVanished();
        if (clock.now() - started > NOT_SEEN_YET_MILLISECONDS) throw isUser ? error : failures.noSuchUser(userName);
        await clock.sleep(NOT_SEEN_YET_PAUSE_MILLISECONDS);
      } else {
        throw error;
      }
    }
  }
}

/** What is stored for a device. */
export function storedSeedOf(request: EnrollmentRequest, seed: string): StoredSeed {
  const { serialNumber, userName, issuer, accountId } = request;
  const otpauthUri = generateURI({ issuer, label: `${userName}@${accountId}`, secret: seed });
  return { serialNumber, userName, seed, otpauthUri };
}

/** Creates a device and stores its seed; or finds the one that exists, with its stored seed. Undefined: there is none now. */
async function createWithSeed(request: EnrollmentRequest, tools: EnrollmentTools): Promise<SeededDevice | undefined> {
  const { path, virtualMfaDeviceName, tags } = request;
  const { mfaDevices, seedStore } = tools;
  const versionId = seedStore.newVersionId();
  const creation = await mfaDevices
    .create(path, virtualMfaDeviceName, [...tags, seedVersionTag(versionId)])
    .catch((error: unknown) => {
      throw isNamed(error, 'LimitExceededException') ? failures.tooManyDevicesInAccount() : error;
    });
  if (creation.outcome === 'exists') return resume(request, creation.triedBefore, tools);
  const device = { versionId, createdHere: true };
  try {
    // Asked after the device was created: a Delete that came before is seen here, and one that comes later sees the device.
    const [, isSuperseded] = await Promise.all([
      seedStore.put(versionId, storedSeedOf(request, creation.seed)),
      seedStore.isSuperseded(),
    ]);
    if (isSuperseded) throw failures.superseded();
    return device;
  } catch (error) {
    throw await undone(error, request, device, tools);
  }
}

/**
 * Finds the stored seed of a device that exists already. One of ours whose seed is nowhere cannot be enabled: it is deleted.
 * One that is not ours is never touched.
 */
async function resume(
  request: EnrollmentRequest,
  answerWasLost: boolean,
  tools: EnrollmentTools,
): Promise<SeededDevice | undefined> {
  const { serialNumber, userName } = request;
  const { mfaDevices, seedStore, clock } = tools;
  let device = await findDevice(request, tools);
  for (let poll = 0; device && !device.found && !answerWasLost && poll < GRACE_POLLS; poll += 1) {
    await clock.sleep(GRACE_MILLISECONDS / GRACE_POLLS);
    device = await findDevice(request, tools);
  }
  if (!device) return undefined;
  if (device.found?.stored.userName !== userName) {
    if ((await mfaDevices.delete(serialNumber)) === 'absent now') return undefined;
    // A concurrent duplicate may have stored the seed since, and enabled the device.
    device = await findDevice(request, tools);
  }
  if (device?.found?.stored.userName !== userName) {
    throw failures.seedOfEnabledDeviceLost(serialNumber, (await mfaDevices.holderOf(serialNumber)) ?? userName);
  }
  const seeded = { versionId: device.found.versionId, createdHere: false };
  if (await seedStore.isSuperseded()) throw await undone(failures.superseded(), request, seeded, tools);
  return seeded;
}
