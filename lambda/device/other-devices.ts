import { asFailure } from '../aws/aws-errors';
import type { MfaDevices } from '../aws/mfa-devices';
import type { OwnStack } from '../aws/own-stack';
import { partsOfSerialNumber } from '../contract/serial-number';
import type { EventTools } from './event-tools';
import type { Known } from './known';
import { ownershipByTags } from './ownership';
import { deadlineFor, run } from './reconcile';
import type { Absent } from './wanted';

/**
 * Removes the user's other devices, which somebody enabled by hand, if the stack asks for it and deletes the user next: IAM does not
 * delete a user who has a device. What cannot be removed is logged and does not fail the event: IAM then refuses to delete the user, as
 * it does without this.
 *
 * @param declared the device that the event is about
 */
export async function removeOtherDevices(declared: Absent, stackId: string, tools: EventTools): Promise<void> {
  const { request, requestTime } = declared;
  const { userName, otherDevicesGoWith: userLogicalId } = request;
  if (userLogicalId === undefined) return;
  const { log } = tools;
  const deadline = deadlineFor('absent', tools);
  try {
    if (!(await isLeaving(userLogicalId, stackId, tools.stackUntil(deadline)))) {
      log.info('The user stays, and so do its other devices', { userName });
      return;
    }
    const { mfaDevices } = tools.portsUntil(deadline, { request, requestTime });
    const enabled = (await mfaDevices.enabledFor(userName)) ?? [];
    for (const serialNumber of enabled.filter((each) => each !== declared.serialNumber)) {
      const leftBecause = await removed({ ...declared, serialNumber }, mfaDevices, tools, deadline);
      const what = { serialNumber, userName };
      if (leftBecause === undefined) log.info('Removed the device, because the stack deletes its user', what);
      else log.error('The device was left as it is', { ...what, leftBecause });
    }
  } catch (error) {
    log.error("The user's other devices were left as they are", { userName, leftBecause: asFailure(error).message });
  }
}

/**
 * Whether the stack deletes the user. The Delete event does not tell: it also comes when a device is replaced, when it leaves the
 * template and its user stays, and when a creation or an update is rolled back. An answer that is too old says that the user stays.
 */
async function isLeaving(userLogicalId: string, stackId: string, stack: OwnStack): Promise<boolean> {
  const status = await stack.status(stackId);
  if (status === 'DELETE_IN_PROGRESS') return true;
  return status === 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS' && !(await stack.declares(stackId, userLogicalId));
}

/** @returns why the device was left as it is, if it was */
async function removed(
  absent: Absent,
  mfaDevices: MfaDevices,
  tools: EventTools,
  deadline: number,
): Promise<string | undefined> {
  const { request, serialNumber } = absent;
  if (tools.clock.now() > deadline) return 'the time was over';
  try {
    // A token or a passkey: IAM knows it only while it is enabled, so there is nothing to delete.
    if (partsOfSerialNumber(serialNumber) === undefined) {
      await mfaDevices.deactivate(request.userName, serialNumber);
      return undefined;
    }
    const tags = await mfaDevices.tagsOf(serialNumber);
    let presumed: Partial<Known> = {};
    if (tags && ownershipByTags(tags, request) === 'unmarked') {
      // The role deletes only devices with the stack's mark. A run after a crash finds it, too.
      await mfaDevices.tag(serialNumber, request.ownershipTags);
      const marks = new Map(request.ownershipTags.map(({ Key, Value }) => [Key, Value]));
      presumed = { device: { tags: marks, versionId: undefined, madeAt: undefined } };
    }
    const { step } = await run(absent, tools, deadline, presumed);
    if (step.do === 'leave') return step.because;
    return step.do === 'fail' ? step.failure.message : undefined;
  } catch (error) {
    return asFailure(error).message;
  }
}
