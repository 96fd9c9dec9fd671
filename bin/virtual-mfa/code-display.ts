import { Presets, SingleBar } from 'cli-progress';
import { PERIOD_MILLISECONDS, timeStepAt } from '../../lambda/contract/authentication-codes';
import type { Clock } from '../../lambda/contract/clock';
import { currentCode, type CurrentCode } from '../../lambda/contract/current-code';
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import { nextTimeStep } from './fresh-codes';
import type { Terminal } from './terminal';

export interface Watching {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly withBar: boolean;
  readonly show: (code: CurrentCode) => void;
}

/**
 * Shows each code until interrupted: with a bar that runs, or one after the other.
 *
 * @param read reads the seed, anew for each code: a rotation may have overtaken the last
 */
export async function watchCodes(
  read: () => Promise<StoredSeed>,
  { terminal, clock, signal, withBar, show }: Watching,
): Promise<void> {
  let seed = await read();
  let timeStep = timeStepAt(clock.now());
  const bar = withBar ? barOn(terminal) : undefined;
  bar?.start(PERIOD_MILLISECONDS / 1000, 0, currentCode(seed, clock.now()));
  try {
    while (!signal.aborted) {
      if (timeStepAt(clock.now()) !== timeStep) seed = await read();
      timeStep = timeStepAt(clock.now());
      const code = currentCode(seed, clock.now());
      if (bar) bar.update(code.secondsLeft, code);
      else show(code);
      if (bar) await clock.sleep(1000 - (clock.now() % 1000), signal);
      else await nextTimeStep(clock, signal);
    }
  } finally {
    bar?.stop();
  }
}

function barOn({ output }: Terminal): SingleBar {
  return new SingleBar(
    {
      format: '{code}  {bar}  {secondsLeft} s',
      stream: output,
      barsize: 30,
      hideCursor: true,
      // Every update is shown: there is one a second.
      fps: 1_000,
    },
    Presets.shades_classic,
  );
}
