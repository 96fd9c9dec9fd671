import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(__dirname, '../..');

/** Starts the demo as `npm run demo` does, once the handler is bundled; in a process group of its own, not a terminal. */
function startDemo(): {
  readonly demo: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
} {
  const demo = spawn(process.execPath, ['--import', 'tsx', 'bin/demo.ts'], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FORCE_COLOR: undefined },
  });
  let printed = '';
  for (const stream of [demo.stdout, demo.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const exit = new Promise<number | null>((ended) => demo.once('close', (code) => ended(code)));
  return { demo, output: () => printed, exit };
}

/** Processes whose command line or environment names the demo's account. */
function processesWith(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(text);
      } catch {
        return false;
      }
    });
}

describe('npm run demo', () => {
  test('shows every step, plainly where there is no terminal, and ends with exit code 0', async () => {
    const { output, exit } = startDemo();

    expect(await exit).toBe(0);

    for (const step of [
      'cdk deploy, on an account that listens on loopback',
      'What was made',
      'virtual-mfa qr: the seed, for an authenticator app',
      'virtual-mfa code: the current code',
      'virtual-mfa session: signing in with MFA',
      'virtual-mfa verify: what is proven',
      'cdk destroy',
      'What is left',
    ]) {
      expect(output()).toContain(`▸ ${step}`);
    }
    expect(output()).toMatch(/Serial number\s+arn:aws:iam::123456789012:mfa\/Bob-[0-9a-f]{10}/);
    expect(output()).toMatch(/Create event to enabled\s+\d+ ms/);
    expect(output()).toContain('0 stacks, 0 users, 0 devices, 0 secrets');
    expect(output()).toContain('Every step was observed');
    expect(output()).not.toContain('\u001b[');
    expect(output()).not.toMatch(/[A-Z2-7]{64}/);
  });

  test.runIf(process.platform === 'linux')('ends at SIGINT and leaves no process behind', async () => {
    const { demo, output, exit } = startDemo();
    while (!output().includes('deploying...')) await new Promise((resolve) => demo.stdout?.once('data', resolve));
    const [, endpoint = ''] = /AWS_ENDPOINT_URL=(http:\/\/127\.0\.0\.1:\d+)/.exec(environmentOfChildOf(demo.pid)) ?? [];
    expect(endpoint).not.toBe('');

    demo.kill('SIGINT');

    expect(await exit).toBe(130);
    expect(processesWith(endpoint)).toEqual([]);
  });
});

/** The environment of the first process that a process started. */
function environmentOfChildOf(pid: number | undefined): string {
  const children = readFileSync(`/proc/${pid ?? 0}/task/${pid ?? 0}/children`, 'utf8')
    .trim()
    .split(' ');
  return children.map((child) => readFileSync(`/proc/${child}/environ`, 'utf8').replaceAll('\0', '\n')).join('\n');
}
