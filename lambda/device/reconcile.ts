import { type Failure, withRemains } from '../failure';
import { decide } from './decide';
import type { RunTools } from './event-tools';
import { type Known, NOTHING_KNOWN } from './known';
import { Performer } from './perform';
import type { Action, End, Step } from './step';
import type { Absent, Released, Wanted } from './wanted';

/** Kept free before the function is stopped: to answer; to remove what is not wanted, before that. */
const MILLISECONDS_KEPT = {
  present: 60_000,
  proven: 60_000,
  retired: 60_000,
  absent: 30_000,
  released: 30_000,
} as const satisfies Record<Wanted['want'], number>;

/** When a run for a goal stops, in milliseconds since the epoch. */
export function deadlineFor(want: Wanted['want'], { end }: Pick<RunTools, 'end'>): number {
  return end - MILLISECONDS_KEPT[want];
}

/**
 * Decides and does, until what is wanted has come true, or cannot. What a failed run has made is taken back.
 *
 * @param presumed what to begin with, until AWS says otherwise
 * @returns the failure, if it is one
 */
export async function reconcile(
  wanted: Wanted,
  tools: RunTools,
  presumed: Partial<Known> = {},
): Promise<Failure | undefined> {
  const { step, known } = await run(wanted, tools, deadlineFor(wanted.want, tools), presumed);
  if (step.do === 'fail') return undone(step, wanted, known, tools);
  if (step.do === 'leave') {
    tools.log.info('The device was left as it is', { serialNumber: wanted.serialNumber, leftBecause: step.because });
  }
  return undefined;
}

/** Where a run stopped: at its end, or before a step that it must not take. */
export interface Stopped {
  readonly step: Step;
  readonly known: Known;
}

/**
 * Decides and does, until the end.
 *
 * @param deadline in milliseconds since the epoch: no wait goes beyond, and from there on no call is tried again
 * @param mayDo whether the run may take a step; it stops before one that it may not
 */
export async function run(
  wanted: Wanted,
  tools: Pick<RunTools, 'clock' | 'portsUntil'>,
  deadline: number,
  presumed: Partial<Known>,
  mayDo: (action: Action) => boolean = () => true,
): Promise<Stopped> {
  const performer = new Performer(wanted, tools.portsUntil(deadline, wanted), tools.clock, deadline);
  let known: Known = { ...NOTHING_KNOWN, ...presumed };
  for (;;) {
    const step = decide(wanted, known);
    if (step.do === 'done' || step.do === 'fail' || step.do === 'leave' || !mayDo(step)) return { step, known };
    known = await performer.perform(step, known);
  }
}

/** @throws Failure where what is wanted cannot be reached */
export async function reach(wanted: Wanted, tools: RunTools, presumed: Partial<Known> = {}): Promise<void> {
  const failure = await reconcile(wanted, tools, presumed);
  if (failure) throw failure;
}

async function undone(
  { failure, undo }: Extract<End, { do: 'fail' }>,
  wanted: Wanted,
  known: Known,
  tools: RunTools,
): Promise<Failure> {
  const before = undoing(wanted, undo, known);
  const remains = before && (await reconcile(before, tools));
  return remains ? withRemains(failure, wanted.serialNumber, remains) : failure;
}

/** What is wanted after a failure; undefined where there is nothing to take back. */
export function undoing(
  wanted: Wanted,
  undo: Extract<End, { do: 'fail' }>['undo'],
  { made, enabled }: Known,
): Absent | Released | undefined {
  const { request, serialNumber, requestTime } = wanted;
  if (undo === 'what it adopted') {
    const alsoFound = !(wanted.want === 'present' && wanted.isInPlace);
    if (!alsoFound && enabled === undefined) return undefined;
    return { want: 'released', request, serialNumber, requestTime, undoing: { made, enabled, alsoFound } };
  }
  const alsoFound = undo === 'what it made, or found enabled for nobody';
  if (undo === 'nothing' || (!alsoFound && made === undefined)) return undefined;
  return { want: 'absent', request, serialNumber, requestTime, undoing: { made, enabled, alsoFound } };
}
