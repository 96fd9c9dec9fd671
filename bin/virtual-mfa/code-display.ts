import { Presets, SingleBar } from 'cli-progress';
import { codeAt, millisecondsToNextTimeStep, PERIOD_MILLISECONDS } from '../../lambda/contract/authentication-codes';
import type { Clock } from '../../lambda/contract/clock';
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import { nextTimeStep } from './fresh-codes';
import type { Terminal } from './terminal';

/** A code, and how long it lasts. */
export interface CurrentCode {
  readonly userName: string;
  readonly serialNumber: string;
  readonly code: string;
  readonly secondsLeft: number;
}

export function currentCode({ userName, serialNumber, seed }: StoredSeed, now: number): CurrentCode {
  const secondsLeft = Math.ceil(millisecondsToNextTimeStep(now) / 1000);
  return { userName, serialNumber, code: codeAt(seed, now), secondsLeft };
}

export interface Watching {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly withBar: boolean;
  readonly show: (code: CurrentCode) => void;
}

/** Shows each code until interrupted: with a bar that runs, or one after the other. */
export async function watchCodes(
  seed: StoredSeed,
  { terminal, clock, signal, withBar, show }: Watching,
): Promise<void> {
  const bar = withBar ? barOn(terminal) : undefined;
  bar?.start(PERIOD_MILLISECONDS / 1000, 0, currentCode(seed, clock.now()));
  try {
    while (!signal.aborted) {
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
