import { asFailure } from '../aws/aws-errors';
import { WATCH_TAG } from '../contract/own-tags';
import type { WatchedDevice } from '../contract/watch';
import type { SeedHistory } from '../aws/seed-store';
import { bridgeOf } from '../contract/serial-number';
import { deviceMark, deviceMarkIn, seedStoredAt } from '../contract/seed-version';
import { readEnrollmentRequest } from '../device/enrollment-request';
import type { RunTools } from '../device/event-tools';
import { type Known, NOTHING_KNOWN } from '../device/known';
import { Performer } from '../device/perform';
import { reconcile, run, type Stopped, undoing } from '../device/reconcile';
import type { Action } from '../device/step';
import type { Present } from '../device/wanted';
import { type Failure, SupersededFailure, TimeRanOutFailure } from '../failure';
import { requestTimeIn } from '../request-time';
import { foundBefore, type Look } from './finding';

/**
 * How long after its latest request a resource is left alone. CloudFormation gives a request 20 minutes, and the schedule learns of
 * a replacement only once the new device is there.
 */
export const SETTLED_AFTER_MILLISECONDS = 60 * 60_000;

/** How long after the secret's latest change a rotation is taken for one that goes on: Secrets Manager tries one again for hours. */
const LONGEST_ROTATION_MILLISECONDS = 24 * 60 * 60_000;

/** Steps that change nothing, and take no time. */
export const READING: readonly Action['do'][] = [
  'look at device',
  'find seed',
  'look at current seed',
  'read',
  'ask whether superseded',
  'list devices of user',
  'find holder',
];

/** Steps that put right a device which is there, with the seed that it has. */
export const REPAIRING: readonly Action['do'][] = [
  ...READING,
  'enable',
  'prove',
  'store anew',
  'promote',
  'tag',
  'wait for user',
  'wait for other codes',
];

/** Steps that give the user another seed. */
export const RECREATING: readonly Action['do'][] = [...REPAIRING, 'create', 'store', 'delete', 'wait for seed'];

/** What a look is made with. */
export interface LookTools extends RunTools {
  readonly stackId: string;
  readonly settledAfterMilliseconds: number;
}

/**
 * Looks at a device, and goes as far as it may to put it right. It acts as a late duplicate of the resource's latest request would:
 * any later request supersedes it, and it takes nothing over.
 *
 * @param deadline in milliseconds since the epoch: from there on no call is tried again
 * @param may the steps that may be taken
 * @param did is told of each of them
 */
export async function look(
  device: WatchedDevice,
  tools: LookTools,
  deadline: number,
  may: readonly Action['do'][],
  did: (step: Action['do']) => void = () => undefined,
): Promise<Look> {
  try {
    return await lookAt(device, tools, deadline, may, did);
  } catch (error) {
    return failed(asFailure(error));
  }
}

async function lookAt(
  device: WatchedDevice,
  tools: LookTools,
  deadline: number,
  may: readonly Action['do'][],
  did: (step: Action['do']) => void,
): Promise<Look> {
  const { clock, stackId, settledAfterMilliseconds } = tools;
  const declared = readEnrollmentRequest({ StackId: stackId, ...device });
  // Tags of the template's own leave no trace in the secret when they change: a tick that crosses a deployment would set the old ones.
  const request = { ...declared, tags: declared.ownershipTags };
  const { serialNumber } = request;
  const goal = {
    want: 'present',
    request,
    serialNumber,
    isInPlace: true,
    takesOver: false,
    formerTagKeys: [],
  } as const;
  const ports = tools.portsUntil(deadline, { request, requestTime: '' });
  const first: Present = { ...goal, requestTime: '' };
  const [history, known] = await Promise.all([
    ports.seedStore.history(),
    new Performer(first, ports, clock, deadline).perform({ do: 'look at device' }, NOTHING_KNOWN),
  ]);
  if (known.failure) return failed(known.failure);
  if (history?.tags.get(WATCH_TAG) === 'off' || tagIn(known, WATCH_TAG) === 'off') return { is: 'held off' };
  if (!history) return { is: 'not as declared', found: "The device's secret was deleted." };

  const now = clock.now();
  const versionId = latestOf([history.latestVersionId, versionIn(known)]);
  const requestTime = requestTimeIn(versionId, now);
  if (requestTime === undefined) return { is: 'not as declared', found: 'No seed of the device is in its secret.' };
  if (now - (seedStoredAt(versionId)?.getTime() ?? 0) < settledAfterMilliseconds) return { is: 'busy' };
  if (isBeingRotated(history)) {
    const isStuck = now - history.changedAt >= LONGEST_ROTATION_MILLISECONDS;
    return isStuck
      ? { is: 'not as declared', found: 'A rotation of the seed has begun, and not ended.' }
      : { is: 'busy' };
  }
  // What a rotation has stored bears the time of the request that made the device.
  const latest = [versionId, ...history.labels.keys()].filter((id) => requestTimeIn(id, now) === requestTime);
  const marks = [serialNumber, bridgeOf(serialNumber)].map(deviceMark);
  if (!latest.some((id) => marks.includes(deviceMarkIn(id) ?? ''))) {
    return { is: 'not as declared', found: "The secret's latest seed is of a device that has replaced this one." };
  }

  const wanted: Present = { ...goal, requestTime };
  // The request has made the device once. Before another is made, it is asked whether anybody still wants one.
  const presumed = { ...known, tries: { ...known.tries, created: 1 } };
  const stopped = await run(wanted, tools, deadline, presumed, (step) => {
    const isAllowed = may.includes(step.do) && !isOnlyRelabelled(step);
    if (isAllowed) did(step.do);
    return isAllowed;
  });
  return concluded(stopped, wanted, tools);
}

async function concluded({ step, known }: Stopped, wanted: Present, tools: RunTools): Promise<Look> {
  if (step.do === 'done') return { is: 'as declared' };
  if (step.do === 'leave') return { is: 'busy' };
  if (step.do !== 'fail') return isOnlyRelabelled(step) ? { is: 'as declared' } : foundBefore(step.do);
  if (step.undo !== 'nothing') await undone(wanted, known, tools);
  return failed(step.failure);
}

/** Removes a device that was made for nobody. One that is enabled stays: a later request sees it, or has made it its own. */
async function undone(wanted: Present, known: Known, tools: RunTools): Promise<void> {
  const absent = undoing(wanted, 'what it made', { ...known, enabled: undefined });
  const remains = absent && (await reconcile(absent, tools));
  if (remains) throw remains;
}

function failed(failure: Failure): Look {
  if (failure instanceof SupersededFailure) return { is: 'busy' };
  if (failure instanceof TimeRanOutFailure) return { is: 'not checked', because: failure.whatHappened };
  return { is: 'not as declared', found: failure.whatHappened };
}

/** The current seed under another issuer: that is for deployments to change. */
function isOnlyRelabelled(step: Action): boolean {
  return step.do === 'store anew' && step.seed.isCurrent;
}

/** Whether Secrets Manager has begun a rotation, and not ended it. */
function isBeingRotated({ labels }: SeedHistory): boolean {
  return [...labels.values()].some((of) => of.includes('AWSPENDING') && !of.includes('AWSCURRENT'));
}

function latestOf(versionIds: readonly (string | undefined)[]): string {
  return (
    versionIds
      .filter((id) => id !== undefined)
      .sort()
      .at(-1) ?? ''
  );
}

function versionIn({ device }: Known): string | undefined {
  return typeof device === 'object' && device.madeAt !== undefined ? device.versionId : undefined;
}

function tagIn({ device }: Known, key: string): string | undefined {
  return typeof device === 'object' ? device.tags.get(key) : undefined;
}
