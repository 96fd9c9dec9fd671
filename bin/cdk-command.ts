import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Listener, outcomeOf } from './child-outcome';

/** The root of this repository, where cdk.json lies. */
const ROOT = join(__dirname, '..');
const CDK = require.resolve('aws-cdk/bin/cdk');

/** How a run of the CDK CLI ended. */
export interface CdkRun {
  readonly exitCode: number;
  /** What it printed. */
  readonly output: string;
}

export interface CommandOptions {
  /** Points the command to an account. */
  readonly environment: Readonly<Record<string, string>>;
  /** Aborting it ends the command and everything that it started. */
  readonly signal?: AbortSignal;
  /** Hears what the command prints while it runs. */
  readonly listener?: Listener;
}

/** Runs the real CDK CLI on this repository's app. */
export async function cdk(args: readonly string[], { environment, signal, listener }: CommandOptions): Promise<CdkRun> {
  // Whoever calls this has bundled the handler: the build that cdk.json names would only write it again, under the feet of others.
  const options = ['--build', '', '--no-notices', '--no-version-reporting', '--ci'];
  const child = spawn(process.execPath, [CDK, ...args, ...options], {
    cwd: ROOT,
    // A process group of its own, so that the app and the build that the CLI starts can be ended with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // CDK's validation of templates takes longer than all else; the tests of lib/ do it, once for each kind of stack.
    env: { ...process.env, ...environment, CDK_DISABLE_CLI_TELEMETRY: 'true', CDK_VALIDATION: 'false' },
  });
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const { exitCode, printed } = await outcomeOf(child, { end, signal, listener });
  return { exitCode, output: printed };
}
