import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalAws, LoggedCall } from '../../local-aws';
import { previousAndCurrentCode } from '../virtual-mfa/authentication-codes';
import { median } from './report';

const RUNS = 3;
const USER_NAME = 'Dave';

/** The `aws` command by hand, at one latency. */
export interface MeasuredCli {
  readonly milliseconds: number;
  readonly calls: readonly LoggedCall[];
}

/** The version of the `aws` that is installed here, and how long it takes to say it; undefined without one. */
export function installedCli(): { readonly version: string; readonly milliseconds: number } | undefined {
  const began = performance.now();
  const { status, stdout } = spawnSync('aws', ['--version'], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  return { version: stdout.split(' ')[0] ?? stdout, milliseconds: performance.now() - began };
}

/** The sequence of AWS's documentation: create, compute two codes of the seed in the file, enable. The latencies take turns. */
export async function measureCli(localAws: LocalAws, latencies: readonly number[]): Promise<Map<number, MeasuredCli>> {
  const { account } = localAws;
  await account.invoke('iam', 'CreateUser', { UserName: USER_NAME });
  const runs = new Map<number, MeasuredCli[]>(latencies.map((latency) => [latency, []]));
  const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-bench-'));
  try {
    for (let run = 0; run < RUNS; run += 1) {
      for (const [latency, measured] of runs) {
        account.faults.latencyMilliseconds = latency;
        measured.push(await enableByHand(localAws, join(folder, 'seed')));
      }
    }
  } finally {
    account.faults.latencyMilliseconds = 0;
    rmSync(folder, { recursive: true, force: true });
  }
  return new Map(
    [...runs].map(([latency, measured]) => [
      latency,
      {
        milliseconds: median(measured.map(({ milliseconds }) => milliseconds)),
        calls: measured.at(-1)?.calls ?? [],
      },
    ]),
  );
}

async function enableByHand(localAws: LocalAws, seedFile: string): Promise<MeasuredCli> {
  const { account } = localAws;
  const name = `${USER_NAME}-by-hand`;
  const serialNumber = account.arn('iam', `mfa/${name}`);
  const before = account.calls.length;
  const began = performance.now();
  await aws(localAws, [
    ...['iam', 'create-virtual-mfa-device', '--virtual-mfa-device-name', name],
    ...['--bootstrap-method', 'Base32StringSeed', '--outfile', seedFile],
  ]);
  const [code1, code2] = previousAndCurrentCode(readFileSync(seedFile, 'ascii'), Date.now());
  await aws(localAws, [
    ...['iam', 'enable-mfa-device', '--user-name', USER_NAME, '--serial-number', serialNumber],
    ...['--authentication-code1', code1, '--authentication-code2', code2],
  ]);
  const milliseconds = performance.now() - began;
  const calls = account.calls.after(before).filter(({ source }) => source === 'http');
  await account.invoke('iam', 'DeactivateMFADevice', { UserName: USER_NAME, SerialNumber: serialNumber });
  await account.invoke('iam', 'DeleteVirtualMFADevice', { SerialNumber: serialNumber });
  return { milliseconds, calls };
}

/** Not synchronous: local-aws answers from this process. */
async function aws({ url, environment }: LocalAws, args: readonly string[]): Promise<void> {
  // Old versions do not know AWS_ENDPOINT_URL; and nothing of a real account's configuration may be used.
  const { PATH, HOME } = process.env;
  const child = spawn('aws', [...args, '--endpoint-url', url], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH, HOME, ...environment, AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const exitCode = await new Promise((ended, failed) => {
    child.once('error', failed);
    child.once('close', ended);
  });
  if (exitCode !== 0) throw new Error(`aws ${args.slice(0, 2).join(' ')} ended with ${String(exitCode)}: ${errors}`);
}
