import { spawn } from 'node:child_process';
import { join } from 'node:path';
import cdkJson from '../../cdk.json';

const ROOT = join(__dirname, '../..');

/** One run of an app in a process of its own. */
export interface Synthesis {
  /** From before the process to after it. */
  readonly milliseconds: number;
  /** What the process itself computed: unlike the time, no other process adds to it. */
  readonly cpuMilliseconds: number;
  readonly peakBytes: number;
}

export interface SynthesisOptions {
  /** Where the assembly goes. */
  readonly outdir: string;
  readonly context: Readonly<Record<string, string>>;
  /** Whether CDK checks the templates against its own rules, as it does where nobody keeps it from that. */
  readonly validation: boolean;
}

/** Loaded into the app's process before the app; what that process took comes out where nothing else is written. */
const USAGE_TO_FD_3 = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  import { isMainThread } from 'node:worker_threads';
  if (isMainThread) process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    writeSync(3, JSON.stringify({ cpuMilliseconds: (userCPUTime + systemCPUTime) / 1000, peakBytes: maxRSS * 1024 }));
  });
`)}`;

/** Runs an app of this repository as the CDK CLI does: with the context of cdk.json, and what `-c` gives. */
export async function synthesize(app: string, { outdir, context, validation }: SynthesisOptions): Promise<Synthesis> {
  const { CI: _ci, CDK_VALIDATION: _validation, ...environment } = process.env;
  const began = performance.now();
  const child = spawn(process.execPath, ['--import', USAGE_TO_FD_3, '--import', 'tsx', app], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: {
      ...environment,
      ...(validation ? {} : { CDK_VALIDATION: 'false' }),
      CDK_OUTDIR: outdir,
      CDK_CONTEXT_JSON: JSON.stringify({ ...cdkJson.context, ...context }),
    },
  });
  const [, , errors, usage] = child.stdio.map((stream) => {
    const chunks: Buffer[] = [];
    stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  });
  const exitCode = await new Promise<number | null>((ended, failed) => {
    child.once('error', failed);
    child.once('close', ended);
  });
  const milliseconds = performance.now() - began;
  if (exitCode !== 0) throw new Error(`${app} ended with ${exitCode}: ${Buffer.concat(errors ?? []).toString()}`);
  return { ...(JSON.parse(Buffer.concat(usage ?? []).toString()) as Omit<Synthesis, 'milliseconds'>), milliseconds };
}
