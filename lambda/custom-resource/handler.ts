import type { VirtualMfaDeviceAttributes } from '../contract/properties';
import { bridgeOf, partsOfSerialNumber, SERIAL_NUMBER_MAX_LENGTH } from '../contract/serial-number';
import type { CustomResourceEvent } from './event';
import type { EventTools } from '../device/event-tools';
import type { Known } from '../device/known';
import { removeOtherDevices } from '../device/other-devices';
import { reach } from '../device/reconcile';
import { type EnrollmentRequest, readEnrollmentRequest } from '../device/enrollment-request';
import { Failure } from '../failure';

/** What a successful event answers. */
export interface Outcome {
  readonly physicalResourceId: string;
  readonly attributes?: VirtualMfaDeviceAttributes;
}

/** Create presumes that there is no device, until IAM contradicts: that saves the fast path a call. */
const NO_DEVICE: Partial<Known> = { device: 'absent' };

/** What CloudFormation's three requests want of a virtual MFA device. */
export async function perform(event: CustomResourceEvent, tools: EventTools): Promise<Outcome> {
  switch (event.RequestType) {
    case 'Create':
      return onCreate(event, tools);
    case 'Update':
      return onUpdate(event, tools);
    case 'Delete':
      return onDelete(event, tools);
  }
}

/** A device that is made, or adopted, and enabled for the user. */
async function onCreate(event: CustomResourceEvent, tools: EventTools): Promise<Outcome> {
  const request = readEnrollmentRequest(event);
  const wanted = { ...present(request, tools), isInPlace: false, takesOver: true, formerTagKeys: [] };
  await reach(wanted, tools, request.existing ? {} : NO_DEVICE);
  return enabledDevice(request);
}

/**
 * Another serial number is a replacement: the new device first; CloudFormation deletes the old one afterwards, as its id changes.
 * A rollback finds the old device, and takes its seed over.
 */
async function onUpdate(event: CustomResourceEvent, tools: EventTools): Promise<Outcome> {
  const request = readEnrollmentRequest(event);
  const before = requestBefore(event);
  const isInPlace = event.PhysicalResourceId === request.serialNumber;
  const isRollback = isInPlace && before !== undefined && before.serialNumber !== request.serialNumber;
  const takesOver = isRollback || !isInPlace;
  const formerTagKeys = isInPlace ? (before?.tags ?? []).map(({ Key }) => Key) : [];
  const wanted = { ...present(request, tools), isInPlace, takesOver, formerTagKeys };
  await reach(wanted, tools, isInPlace || request.existing ? {} : NO_DEVICE);
  // CloudFormation does not wait for an update that it rolls back: nobody else would undo what that update has done.
  if (isRollback) await removed(before, before.serialNumber, tools, before.existing !== undefined);
  return enabledDevice(request);
}

/** The device goes, or is free again; what is gone already, or was never ours, is no reason to block the stack. */
async function onDelete(event: CustomResourceEvent, tools: EventTools): Promise<Outcome> {
  const { PhysicalResourceId: physicalResourceId = '' } = event;
  const isSerialNumber = partsOfSerialNumber(physicalResourceId) !== undefined;
  // Properties that were refused created nothing. But a device that has a serial number was created once, by rules of its time.
  const request = readUnlessInvalid(event) ?? (isSerialNumber ? readUnlessInvalid(withoutOptionals(event)) : undefined);
  if (!request) {
    const leftBecause = 'its properties name no user and no secret';
    if (isSerialNumber) {
      tools.log.info('The device was left as it is', { serialNumber: physicalResourceId, leftBecause });
    }
    return { physicalResourceId };
  }
  const serialNumber = isSerialNumber ? physicalResourceId : request.serialNumber;
  const { requestTime } = tools;
  // First: a Create that runs late must not make the device anew.
  await reach({ want: 'retired', request, serialNumber, requestTime }, tools);
  await removed(request, serialNumber, tools, request.existing !== undefined && !request.existing.isDeleted);
  await removeOtherDevices({ want: 'absent', request, serialNumber, requestTime }, event.StackId, tools);
  return { physicalResourceId };
}

function present(request: EnrollmentRequest, { requestTime }: EventTools) {
  return { want: 'present', request, serialNumber: request.serialNumber, requestTime } as const;
}

/**
 * The device goes, and with it the one that a rotation may have left.
 *
 * @param isKept whether the device was adopted, and stays as it was found
 */
async function removed(
  request: EnrollmentRequest,
  serialNumber: string,
  tools: EventTools,
  isKept: boolean,
): Promise<void> {
  const { requestTime } = tools;
  await reach({ want: isKept ? 'released' : 'absent', request, serialNumber, requestTime }, tools);
  const bridge = bridgeOf(serialNumber);
  if (bridge.length > SERIAL_NUMBER_MAX_LENGTH) return;
  await reach({ want: 'absent', request, serialNumber: bridge, requestTime, isOld: true }, tools);
}

function enabledDevice({ serialNumber, userName, virtualMfaDeviceName }: EnrollmentRequest): Outcome {
  return {
    physicalResourceId: serialNumber,
    attributes: { SerialNumber: serialNumber, UserName: userName, VirtualMFADeviceName: virtualMfaDeviceName },
  };
}

/**
 * The physical resource id of a FAILED answer: the device that a Delete must look for. A failed Update keeps the old one, or
 * CloudFormation would take it for a replacement and delete the old device.
 */
export function physicalResourceIdOfFailure(event: CustomResourceEvent): string {
  return event.PhysicalResourceId ?? readUnlessInvalid(event)?.serialNumber ?? `${event.LogicalResourceId}-not-created`;
}

/** What an Update's old properties asked for. */
function requestBefore(event: CustomResourceEvent): EnrollmentRequest | undefined {
  return readUnlessInvalid({ ...event, ResourceProperties: event.OldResourceProperties ?? {} });
}

/** What is enough to delete a device whose serial number is known. */
function withoutOptionals(event: CustomResourceEvent): CustomResourceEvent {
  const { UserName, SeedSecretArn, Existing } = event.ResourceProperties;
  // Without it, a device that is to be kept would be deleted.
  return { ...event, ResourceProperties: { UserName, SeedSecretArn, Existing } };
}

function readUnlessInvalid(event: CustomResourceEvent): EnrollmentRequest | undefined {
  try {
    return readEnrollmentRequest(event);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
