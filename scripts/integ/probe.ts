import { DidNotHold, inWords } from './finding';
import type { ProbedAccount } from './probed-account';

/** Puts one of the assumptions of docs/aws-assumptions.md to the test on an account. */
export interface Probe {
  /** The assumption's heading in that document. */
  readonly assumption: string;
  /** The only partition in which it can be tried; any by default. Elsewhere it does not count as a failure. */
  readonly partition?: string;
  /**
   * Returns where the assumption held.
   *
   * @throws DidNotHold where AWS does otherwise; any other error means that the probe could not be tried
   */
  readonly run: (account: ProbedAccount) => Promise<void>;
}

/** The exit codes of a run, the worst finding decides. */
export const PROBE_EXIT_CODES = { allHeld: 0, someDidNotHold: 1, someCouldNotBeTried: 2 } as const;

/**
 * Runs probes one after the other, prints a line for each, and cleans up after each.
 *
 * @param accountFor a new account's view for each probe, so that each cleans up only what is its own
 * @returns the exit code
 */
export async function runProbes(
  probes: readonly Probe[],
  accountFor: () => Promise<ProbedAccount>,
  print: (line: string) => void,
): Promise<number> {
  let exitCode: number = PROBE_EXIT_CODES.allHeld;
  const report = (line: string, code: number) => {
    print(withoutSecrets(line));
    if (exitCode !== PROBE_EXIT_CODES.someDidNotHold) exitCode = code || exitCode;
  };
  for (const probe of probes) {
    const account = await accountFor();
    const [finding, code] = await findingOf(probe, account);
    report(`${probe.assumption}: ${finding}`, code);
    for (const remains of await account.cleanUp()) {
      report(`  left behind, delete it by hand: ${remains}`, PROBE_EXIT_CODES.someDidNotHold);
    }
  }
  return exitCode;
}

async function findingOf(
  { partition, run }: Probe,
  account: ProbedAccount,
): Promise<readonly [finding: string, exitCode: number]> {
  const { allHeld, someDidNotHold, someCouldNotBeTried } = PROBE_EXIT_CODES;
  if (partition !== undefined && partition !== account.partition) {
    return [`could not be tried: it takes an account in ${partition}`, allHeld];
  }
  try {
    await run(account);
    return ['held', allHeld];
  } catch (error) {
    if (error instanceof DidNotHold) return [`did not hold: ${error.message}`, someDidNotHold];
    return [`could not be tried: ${inWords(error)}`, someCouldNotBeTried];
  }
}

/** AWS quotes what it refuses: nothing that could be a seed or a code is printed. */
function withoutSecrets(line: string): string {
  return line.replace(/[A-Z2-7]{16,}=*/g, '[removed]').replace(/(?<!\d)\d{6}(?!\d)/g, '[removed]');
}
