import type { LocalAws, LoggedCall } from '../../local-aws';
import { median } from './report';
import type { ScriptWay } from './script-way';
import type { ScriptRun, Scripts } from './script-ways';
import { timeStepThatLasts } from './time-to-enabled-time-step';

const ROUNDS = 15;
/** Much longer than any of these scripts, on a machine that has other things to do. */
const LONGEST_RUN_MILLISECONDS = 4_000;

/** Medians of the scripts that do not wait, at one latency, in milliseconds. */
export interface MeasuredScripts {
  readonly latency: number;
  readonly previousAndCurrent: number;
  readonly currentAndNext: number;
  readonly calls: readonly LoggedCall[];
}

export async function measureScripts(
  { account }: LocalAws,
  scripts: Scripts,
  latency: number,
): Promise<MeasuredScripts> {
  const enable = async (way: ScriptWay) => {
    await timeStepThatLasts(LONGEST_RUN_MILLISECONDS);
    return scripts.enable(way);
  };
  await enable('previous + current');
  const previousAndCurrent: ScriptRun[] = [];
  const currentAndNext: ScriptRun[] = [];
  account.faults.latencyMilliseconds = latency;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      previousAndCurrent.push(await enable('previous + current'));
      currentAndNext.push(await enable('current + next'));
    }
  } finally {
    account.faults.latencyMilliseconds = 0;
  }
  const timeOf = (runs: readonly ScriptRun[]) => median(runs.map(({ milliseconds }) => milliseconds));
  return {
    latency,
    previousAndCurrent: timeOf(previousAndCurrent),
    currentAndNext: timeOf(currentAndNext),
    calls: previousAndCurrent.at(-1)?.calls ?? [],
  };
}
