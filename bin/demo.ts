import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { startLocalAws } from 'local-aws';
import { showLifeOfADevice } from './demo/life-of-a-device';
import { StepFailed } from './demo/observation';
import { Screen } from './demo/screen';

/** `npm run demo`: the main job in two screens. */
async function demo(): Promise<number> {
  const { verbose, pause } = new Command('npm run demo --')
    .description(
      'Deploys a user with an enabled MFA device to an AWS account on loopback, signs in, and destroys it all.',
    )
    .option('--verbose', 'shows all that the CDK CLI prints')
    .option('--pause', 'waits after the QR code until you press Enter')
    .parse()
    .opts<{ readonly verbose?: true; readonly pause?: true }>();
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());
  const screen = await Screen.on(process.stdout, optionsOfEnvironment());
  const localAws = await startLocalAws();
  try {
    await showLifeOfADevice(localAws, screen, {
      isVerbose: verbose === true,
      pause: pause && (() => enterPressed(screen, interrupted.signal)),
      signal: interrupted.signal,
    });
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) {
      process.stderr.write('\nInterrupted; nothing is left running.\n');
      return 130;
    }
    if (!(error instanceof StepFailed)) throw error;
    process.stderr.write(error.log);
    screen.failure(error.message);
    return 1;
  } finally {
    await localAws.close();
  }
}

/** What the usual variables say of a terminal; CI's logs get colours only where they ask for them. */
function optionsOfEnvironment() {
  const { NO_COLOR, FORCE_COLOR, COLUMNS } = process.env;
  return {
    columns: Number(COLUMNS) || undefined,
    inColours: !NO_COLOR && (process.stdout.isTTY || Boolean(FORCE_COLOR)),
  };
}

/** Waits for a line, or the end, of the standard input. */
async function enterPressed(screen: Screen, signal: AbortSignal): Promise<void> {
  screen.note('Scan it: the app then shows the codes of this demo. Press Enter to go on.');
  const input = createInterface({ input: process.stdin });
  try {
    await Promise.race([once(input, 'line', { signal }), once(input, 'close', { signal })]);
  } finally {
    input.close();
  }
}

void demo().then((exitCode) => process.exit(exitCode));
