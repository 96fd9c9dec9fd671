import type { LocalAws, LoggedCall } from '../../local-aws';
import { median } from './report';
import type { ScriptRun, Scripts } from './script-ways';

const ROUNDS = 15;

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
  await scripts.enable('previous + current');
  const previousAndCurrent: ScriptRun[] = [];
  const currentAndNext: ScriptRun[] = [];
  account.faults.latencyMilliseconds = latency;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      previousAndCurrent.push(await scripts.enable('previous + current'));
      currentAndNext.push(await scripts.enable('current + next'));
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
