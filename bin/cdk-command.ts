import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { app, context } from '../cdk.json';

/** The root of this repository, where cdk.json lies. */
const ROOT = join(__dirname, '..');
const CDK = require.resolve('aws-cdk/bin/cdk');

/** How a run of the CDK CLI ended. */
export interface CdkRun {
  readonly exitCode: number;
  /** What it printed. */
  readonly output: string;
}

/** Takes what a command prints as it comes. */
export type Listener = (text: string, from: 'output' | 'messages') => void;

export interface CommandOptions {
  /** Points the command to an account. */
  readonly environment: Readonly<Record<string, string>>;
  /** Aborting it ends the command and everything that it started. */
  readonly signal?: AbortSignal;
  /** Hears what the command prints while it runs. */
  readonly listener?: Listener;
}

/** Runs the real CDK CLI on this repository's app, or on the app that `--app` names from the root of the repository. */
export async function cdk(args: readonly string[], options: CommandOptions): Promise<CdkRun> {
  if (args.includes('--app')) return cdkIn(ROOT, args, options);
  // In a checkout of its own, for the app records there which users it was given.
  const checkout = mkdtempSync(join(tmpdir(), 'virtual-mfa-checkout-'));
  try {
    writeFileSync(join(checkout, 'cdk.json'), JSON.stringify({ app: appFromElsewhere(), context }));
    return await cdkIn(checkout, args, options);
  } finally {
    rmSync(checkout, { recursive: true, force: true });
  }
}

/** The command of cdk.json, as it reads in another folder. */
function appFromElsewhere(): string {
  const tsx = pathToFileURL(require.resolve('tsx')).href;
  return app.replace(' tsx ', ` ${tsx} `).replace('bin/app.ts', `"${join(ROOT, 'bin/app.ts')}"`);
}

async function cdkIn(
  directory: string,
  args: readonly string[],
  { environment, signal, listener }: CommandOptions,
): Promise<CdkRun> {
  // Whoever calls this has bundled the handler: the build that cdk.json names would only write it again, under the feet of others.
  const options = ['--build', '', '--no-notices', '--no-version-reporting', '--ci'];
  const child = execa(process.execPath, [CDK, ...args, ...options], {
    cwd: directory,
    // A process group of its own, so that the app and the build that the CLI starts can be ended with it.
    detached: true,
    stdin: 'ignore',
    all: true,
    reject: false,
    stripFinalNewline: false,
    env: {
      ...environment,
      // The app records new users nowhere in CI.
      CI: 'false',
      TSX_TSCONFIG_PATH: join(ROOT, 'tsconfig.json'),
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      // CDK's validation of templates takes longer than all else; the tests of lib/ do it, once for each kind of stack.
      CDK_VALIDATION: 'false',
    },
  });
  child.stdout.on('data', (chunk) => listener?.(String(chunk), 'output'));
  child.stderr.on('data', (chunk) => listener?.(String(chunk), 'messages'));
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  signal?.addEventListener('abort', end);
  const { exitCode = 1, all } = await child;
  signal?.removeEventListener('abort', end);
  return { exitCode, output: all };
}
