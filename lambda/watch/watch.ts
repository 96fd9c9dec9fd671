import type { Watch, WatchedDevice, WatchEvent } from '../contract/watch';
import { readEnrollmentRequest } from '../device/enrollment-request';
import type { RunTools } from '../device/event-tools';
import type { Action } from '../device/step';
import { Failure } from '../failure';
import type { LogFields } from '../log';
import { checkWatchEvent } from './event';
import { inWords, type Look, type NotAsDeclared } from './finding';
import { look, READING, RECREATING, REPAIRING } from './look';
import { metricLine } from './metric';

/** Kept free before the function is stopped: to undo, and to tell. */
const KEPT_MILLISECONDS = 60_000;
/** For one device: the next tick is soon, so nobody waits long for AWS to answer. */
const LOOK_MILLISECONDS = 10_000;

/** What a tick is made with. */
export interface WatchTools {
  /** For calls that only read, of which the log says nothing. */
  readonly looking: RunTools;
  readonly repairing: RunTools;
  /** From 0 to 1: the order of the devices, for a tick may have no time for all of them. */
  readonly random: () => number;
  /** How long after its latest request a resource is left alone. */
  readonly settledAfterMilliseconds: number;
  /** Writes a line of the log. */
  readonly write: (line: string) => void;
}

interface Looked {
  readonly device: WatchedDevice;
  readonly look: Look;
}

/**
 * Looks at every device of a stack, and tells which are not as declared. It looks at all of them before it puts any right, for looking is
 * quick.
 *
 * @throws Failure where no schedule of the library can have sent the event
 */
export async function watch(event: WatchEvent, tools: WatchTools): Promise<void> {
  checkWatchEvent(event);
  const tick = new Tick(event.Watch, tools);
  const looked = await tick.lookAtAll();
  const repaired = await tick.tellAndRepair(looked);
  const count = (is: Look['is']) => looked.filter(({ look: { is: found } }) => found === is).length;
  const counts = {
    watched: looked.length,
    notAsDeclared: count('not as declared'),
    repaired,
    notChecked: count('not checked'),
    heldOff: count('held off'),
  };
  tools.write(metricLine(event.Watch.StackName, tools.looking.clock.now(), counts));
}

class Tick {
  readonly #deadline: number;
  readonly #now: () => number;

  constructor(
    private readonly watch: Watch,
    private readonly tools: WatchTools,
  ) {
    const { clock, end } = tools.looking;
    this.#now = () => clock.now();
    this.#deadline = end - KEPT_MILLISECONDS;
  }

  async lookAtAll(): Promise<readonly Looked[]> {
    const looked: Looked[] = [];
    for (const device of shuffled(this.watch.Devices, this.tools.random)) {
      const until = Math.min(this.#deadline, this.#now() + LOOK_MILLISECONDS);
      looked.push({ device, look: await this.#look(device, 'looking', until, READING) });
    }
    return looked;
  }

  /** @returns how many it has repaired */
  async tellAndRepair(looked: readonly Looked[]): Promise<number> {
    const { log } = this.tools.repairing;
    let repaired = 0;
    for (const { device, look: first } of looked) {
      const what = this.#named(device);
      if (first.is === 'not checked') log.error('The device was not checked', { ...what, reason: first.because });
      if (first.is !== 'not as declared') continue;
      const { found } = first;
      const done = new Set<Action['do']>();
      const after = this.#mayRepair(first) ? await this.#repair(device, done) : first;
      if (after.is === 'as declared') {
        repaired += 1;
        log.error(`Not as declared, and repaired: ${found}`, { ...what, found, did: inWords(done) });
      } else {
        const reason = after.is === 'not as declared' ? after.found : `The device is ${after.is}.`;
        log.error(`Not as declared: ${found}`, { ...what, found, ...(reason === found ? {} : { reason }) });
      }
    }
    return repaired;
  }

  get #mayDo(): readonly Action['do'][] {
    if (!this.watch.Repair) return READING;
    return this.watch.Recreate ? RECREATING : REPAIRING;
  }

  #mayRepair({ next }: NotAsDeclared): boolean {
    return next !== undefined && this.#mayDo.includes(next);
  }

  async #repair(device: WatchedDevice, done: Set<Action['do']>): Promise<Look> {
    return this.#look(device, 'repairing', this.#deadline, this.#mayDo, (step) => done.add(step));
  }

  async #look(
    device: WatchedDevice,
    what: 'looking' | 'repairing',
    until: number,
    mayDo: readonly Action['do'][],
    onStep?: (step: Action['do']) => void,
  ): Promise<Look> {
    if (this.#now() >= this.#deadline) return { is: 'not checked', because: 'The time of this tick was over.' };
    const { settledAfterMilliseconds } = this.tools;
    const { StackId: stackId } = this.watch;
    return look(device, { ...this.tools[what], stackId, settledAfterMilliseconds }, until, mayDo, onStep);
  }

  /** What the log calls a device: no more than its logical id where its properties are not valid. */
  #named(device: WatchedDevice): LogFields {
    const { LogicalResourceId: logicalResourceId } = device;
    try {
      const { serialNumber, userName } = readEnrollmentRequest({ StackId: this.watch.StackId, ...device });
      return { logicalResourceId, serialNumber, userName };
    } catch (error) {
      if (error instanceof Failure) return { logicalResourceId };
      throw error;
    }
  }
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);
}
