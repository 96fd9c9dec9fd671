import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

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
  const child = spawn(node, ['--import', USAGE_TO_FD_3, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...environment },
  });
  const printed = Promise.all(child.stdio.slice(1).map((stream) => text(stream as Readable)));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  const milliseconds = performance.now() - began;
  const [output = '', errors, usage = ''] = await printed;
  if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}: ${errors}`);
  return { usage: { ...(JSON.parse(usage) as Omit<Usage, 'milliseconds'>), milliseconds }, output };
}
