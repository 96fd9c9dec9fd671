import { SEED_VERSION_TAG, type VirtualMfaDeviceAttributes } from './contract';
import { enableAgain, enroll, storeAnew, storedSeedOf } from './enrollment';
import type { CustomResourceEvent } from './custom-resource-event';
import { type EnrollmentRequest, readEnrollmentRequest } from './enrollment-request';
import type { EnrollmentTools } from './enrollment-tools';
import { type ExistingDevice, findDevice } from './existing-device';
import { Failure, failures } from './failure';
import { isMadeAfter, isSameEnrollment, ownershipByTags, seedVersionTag } from './ownership';
import { allowTimeToUndo, leave, remove } from './removal';
import { isProvenSeed } from './seed-proof';

/** What a successful event answers. */
export interface Outcome {
  readonly physicalResourceId: string;
  readonly attributes?: VirtualMfaDeviceAttributes;
}

/** Makes the tools for one event, once its properties are checked. */
export type ToolsFor = (request: EnrollmentRequest) => EnrollmentTools;

/** The life of a virtual MFA device, by CloudFormation's three requests. */
export async function perform(event: CustomResourceEvent, toolsFor: ToolsFor): Promise<Outcome> {
  switch (event.RequestType) {
    case 'Create':
      return onCreate(event, toolsFor);
    case 'Update':
      return onUpdate(event, toolsFor);
    case 'Delete':
      return onDelete(event, toolsFor);
  }
}

/** A new device, enabled for the user. */
async function onCreate(event: CustomResourceEvent, toolsFor: ToolsFor): Promise<Outcome> {
  const request = readEnrollmentRequest(event);
  const tools = toolsFor(request);
  await enroll(request, tools);
  return enabledDevice(request);
}

/**
 * Another serial number is a replacement: the new device first; CloudFormation deletes the old one afterwards, as its id changes.
 * The same path serves a rollback, whose device exists still: it is found, not created.
 */
async function onUpdate(event: CustomResourceEvent, toolsFor: ToolsFor): Promise<Outcome> {
  const request = readEnrollmentRequest(event);
  const tools = toolsFor(request);
  if (event.PhysicalResourceId !== request.serialNumber) {
    await enroll(request, tools);
    return enabledDevice(request);
  }
  const before = requestBefore(event);
  const isRollback = before !== undefined && before.serialNumber !== request.serialNumber;
  const device = await findDevice(request, tools);
  if (device) await updateInPlace(request, device, { before, isRollback }, tools);
  else await enroll(request, tools);
  // CloudFormation does not wait for an update that it rolls back: nobody else would delete what that update has made.
  if (isRollback) await removeIfOurs(before, before.serialNumber, tools);
  return enabledDevice(request);
}

/** The device goes; whatever is gone already, or was never ours, is no reason to block the stack. */
async function onDelete(event: CustomResourceEvent, toolsFor: ToolsFor): Promise<Outcome> {
  const { PhysicalResourceId: physicalResourceId = '' } = event;
  const request = readUnlessInvalid(event);
  // Properties that were refused created nothing.
  if (!request) return { physicalResourceId };
  const tools = toolsFor(request);
  const serialNumber = isSerialNumber(physicalResourceId) ? physicalResourceId : request.serialNumber;
  // A Create that runs late is kept from making the device anew. A secret that is out of order does not keep the device alive.
  await tools.seedStore.retire(serialNumber).catch(() => allowTimeToUndo(tools));
  await removeIfOurs(request, serialNumber, tools);
  return { physicalResourceId };
}

/** Removes a device, unless its tags do not say that it is this resource's, or a later event has made it. */
async function removeIfOurs(request: EnrollmentRequest, serialNumber: string, tools: EnrollmentTools): Promise<void> {
  const { mfaDevices, clock, requestTime } = tools;
  const tags = await mfaDevices.tagsOf(serialNumber);
  if (!tags) return;
  const ownership = ownershipByTags(tags, request);
  if (ownership !== 'ours') leave(serialNumber, `its tags say that it is ${ownership}`, tools);
  else if (isMadeAfter(requestTime, tags, clock.now())) leave(serialNumber, 'a later request has made it', tools);
  else await remove(request.userName, serialNumber, tools);
}

/** What an update comes from. */
interface Before {
  readonly before: EnrollmentRequest | undefined;
  /** Whether it returns from a replacement. */
  readonly isRollback: boolean;
}

/** Tags and issuer change in place; what went missing out of band is mended; where nothing is to do, nothing is written. */
async function updateInPlace(
  request: EnrollmentRequest,
  { tags, ownership, found }: ExistingDevice,
  { before, isRollback }: Before,
  tools: EnrollmentTools,
): Promise<void> {
  const { serialNumber, userName } = request;
  const { mfaDevices } = tools;
  const isSame = ownership === 'unmarked' || isSameEnrollment(tags, request);
  if (!isSame) throw failures.sameNameReplacement(serialNumber);

  await updateTags(request, before, tags, tools);
  if (!found) return enroll(request, tools);

  const { versionId, isCurrent } = found;
  const { seed, otpauthUri } = found.stored;
  if (tags.get(SEED_VERSION_TAG) !== versionId) {
    await mfaDevices.tag(serialNumber, [...request.tags, seedVersionTag(versionId)]);
  }
  // Enabled first: until then, the current seed is that of the device which works.
  const isEnabled = (await mfaDevices.enabledFor(userName))?.includes(serialNumber);
  const works = isEnabled && (await isProvenSeed(request, found, tools));
  if (!works && (await enableAgain(request, versionId, tools)) === 'made anew') return;
  if (isRollback || !isCurrent || storedSeedOf(request, seed).otpauthUri !== otpauthUri) {
    await storeAnew(request, seed, tools);
  }
}

/** Sets what differs, and removes what an earlier version of the resource had set. Tags that others put there stay. */
async function updateTags(
  { serialNumber, tags: wanted }: EnrollmentRequest,
  before: EnrollmentRequest | undefined,
  actual: ReadonlyMap<string, string>,
  { mfaDevices }: EnrollmentTools,
): Promise<void> {
  const changed = wanted.some(({ Key, Value }) => actual.get(Key) !== Value);
  // All of them at once: the role may tag only with the ownership tags in the same request.
  if (changed) await mfaDevices.tag(serialNumber, wanted);
  const obsolete = (before?.tags ?? [])
    .map(({ Key }) => Key)
    .filter((key) => actual.has(key) && !wanted.some(({ Key }) => Key === key));
  if (obsolete.length > 0) await mfaDevices.untag(serialNumber, obsolete);
}

function enabledDevice({ serialNumber, userName, virtualMfaDeviceName }: EnrollmentRequest): Outcome {
  return {
    physicalResourceId: serialNumber,
    attributes: { SerialNumber: serialNumber, UserName: userName, VirtualMFADeviceName: virtualMfaDeviceName },
  };
}

/**
 * The physical resource id of a FAILED answer: the device that a Delete shall look for. A failed Update keeps the old one, or
 * CloudFormation would take it for a replacement and delete the old device.
 */
export function physicalResourceIdOfFailure(event: CustomResourceEvent): string {
  return event.PhysicalResourceId ?? readUnlessInvalid(event)?.serialNumber ?? `${event.LogicalResourceId}-not-created`;
}

/** What an Update's old properties asked for. */
function requestBefore(event: CustomResourceEvent): EnrollmentRequest | undefined {
  return readUnlessInvalid({ ...event, ResourceProperties: event.OldResourceProperties ?? {} });
}

function readUnlessInvalid(event: CustomResourceEvent): EnrollmentRequest | undefined {
  try {
    return readEnrollmentRequest(event);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function isSerialNumber(physicalResourceId: string): boolean {
  return /^arn:[\w-]+:iam::\d{12}:mfa\//.test(physicalResourceId);
}
