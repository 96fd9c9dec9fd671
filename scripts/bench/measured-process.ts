import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const ROOT = join(__dirname, '../..');

/** What a process took, from before it to after it. */
export interface Usage {
  readonly milliseconds: number;
  /** What the process itself computed: unlike the time, no other process adds to it. */
  readonly cpuMilliseconds: number;
  readonly peakBytes: number;
}

/** Loaded before the program; what its process took comes out where nothing else is written. */
const USAGE_TO_FD_3 = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  import { isMainThread } from 'node:worker_threads';
  if (isMainThread) process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    writeSync(3, JSON.stringify({ cpuMilliseconds: (userCPUTime + systemCPUTime) / 1000, peakBytes: maxRSS * 1024 }));
  });
`)}`;

export interface ProcessOptions {
  /** By default the Node that runs this. */
  readonly node?: string;
  /** All of the environment but PATH. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a program on Node, in the repository's root, and returns what it took and what it printed. */
export async function measureProcess(
  args: readonly string[],
  { node = process.execPath, environment = {} }: ProcessOptions = {},
): Promise<Usage & { readonly output: string }> {
  const began = performance.now();
  const child = spawn(node, ['--import', USAGE_TO_FD_3, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...environment },
  });
  const [, output = [], errors = [], usage = []] = child.stdio.map((stream) => {
    const chunks: Buffer[] = [];
    stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  });
  const exitCode = await new Promise<number | null>((ended, failed) => {
    child.once('error', failed);
    child.once('close', ended);
  });
  const milliseconds = performance.now() - began;
  const textOf = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString();
  if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}: ${textOf(errors)}`);
  return { ...(JSON.parse(textOf(usage)) as Omit<Usage, 'milliseconds'>), milliseconds, output: textOf(output) };
}
