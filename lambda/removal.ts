import { asFailure } from './aws-errors';
import { SEED_VERSION_TAG } from './contract';
import type { EnrollmentRequest } from './enrollment-request';
import type { EnrollmentTools } from './enrollment-tools';
import { AccessDeniedFailure, failures, withRemains } from './failure';

/** What undoing, or removing, may take beyond the time that was spent in vain. */
const UNDO_MILLISECONDS = 30_000;

/** A device whose seed is stored, not enabled yet. */
export interface SeededDevice {
  readonly versionId: string;
  /** Created by this event, or found: left by an earlier run of it, or the device that a rollback returns to. */
  readonly createdHere: boolean;
}

/**
 * Deactivates and deletes a device. What is gone already counts as gone. One that somebody enabled for a user outside the stack
 * stays with that user: the role may not act there.
 */
export async function remove(userName: string, serialNumber: string, tools: EnrollmentTools): Promise<void> {
  const { mfaDevices } = tools;
  // Denied where the user's path was not known: such a device was never enabled, and shall not block its stack.
  const denied = await mfaDevices.deactivate(userName, serialNumber).catch((error: unknown) => {
    if (error instanceof AccessDeniedFailure) return error;
    throw error;
  });
  if ((await mfaDevices.delete(serialNumber)) === 'absent now') return;
  if (denied) throw denied;
  const holder = await mfaDevices.holderOf(serialNumber);
  try {
    if (holder !== undefined) await mfaDevices.deactivate(holder, serialNumber);
    if ((await mfaDevices.delete(serialNumber)) === 'assigned') {
      throw failures.stillEnabled(serialNumber, holder ?? userName);
    }
  } catch (error) {
    if (holder === userName || !(error instanceof AccessDeniedFailure)) throw error;
    leave(serialNumber, 'it is enabled for a user outside the stack', tools);
  }
}

/** Tells that a device which exists was left alone. */
export function leave(serialNumber: string, leftBecause: string, { log }: EnrollmentTools): void {
  log.info('The device was left as it is', { serialNumber, leftBecause });
}

/** Gives what removes a device a little more time than what failed. */
export function allowTimeToUndo({ calls }: EnrollmentTools): void {
  calls.extendDeadline(UNDO_MILLISECONDS);
}

/**
 * Whether the seed of an enabled device is current, although making it so failed: a concurrent duplicate of the event may have done
 * it, and answered success, or AWS's answer was lost. Such a device must stay.
 *
 * @throws Failure where that cannot be told; then the device stays too
 */
export async function isCurrentAfterAll(
  error: unknown,
  { serialNumber }: EnrollmentRequest,
  { versionId }: SeededDevice,
  tools: EnrollmentTools,
): Promise<boolean> {
  const { seedStore } = tools;
  allowTimeToUndo(tools);
  try {
    const version = await seedStore.find(versionId);
    return version?.isCurrent === true && !(await seedStore.isSuperseded());
  } catch (readingError) {
    throw withRemains(asFailure(error), serialNumber, asFailure(readingError));
  }
}

/** Undoes in reverse, and answers the failure to report. A device that was found enabled stays: somebody uses it. */
export async function undone(
  error: unknown,
  { userName, serialNumber }: EnrollmentRequest,
  { versionId, createdHere }: SeededDevice,
  tools: EnrollmentTools,
): Promise<Error> {
  const { mfaDevices } = tools;
  const failure = asFailure(error);
  allowTimeToUndo(tools);
  try {
    if (!createdHere) await mfaDevices.delete(serialNumber);
    // A later event may have made the device anew.
    else if ((await mfaDevices.tagsOf(serialNumber))?.get(SEED_VERSION_TAG) === versionId) {
      await remove(userName, serialNumber, tools);
    }
    return failure;
  } catch (undoError) {
    return withRemains(failure, serialNumber, asFailure(undoError));
  }
}
