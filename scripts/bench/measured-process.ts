import { join } from 'node:path';
import { execa } from 'execa';

export const ROOT = join(__dirname, '../..');

/** What a process took, from before it to after it. A type and not an interface, because its keys name columns. */
export type Usage = Readonly<Record<'milliseconds' | 'cpuMilliseconds' | 'peakBytes', number>>;

/** Loaded before the program. It reports what the process took where nothing else writes; other processes do not add to the processor time. */
const USAGE_TO_FD_3 = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  import { isMainThread } from 'node:worker_threads';
  if (isMainThread) process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    writeSync(3, JSON.stringify({ cpuMilliseconds: (userCPUTime + systemCPUTime) / 1000, peakBytes: maxRSS * 1024 }));
  });
`)}`;

/** Runs a program in the repository's root, with nothing in its environment but PATH and what is given. */
export async function measureProcess(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  node = process.execPath,
): Promise<{ readonly usage: Usage; readonly output: string }> {
  const began = performance.now();
  const { stdout, stdio } = await execa(node, ['--import', USAGE_TO_FD_3, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...environment },
    extendEnv: false,
  });
  const milliseconds = performance.now() - began;
  const usage = JSON.parse(stdio[3]) as Omit<Usage, 'milliseconds'>;
  return { usage: { ...usage, milliseconds }, output: stdout };
}
