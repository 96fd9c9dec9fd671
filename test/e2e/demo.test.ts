import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';

const ROOT = join(__dirname, '../..');

/** Starts the demo as `npm run demo` does, once all is bundled; in a process group of its own, not a terminal. */
function startDemo(args: readonly string[] = [], environment: NodeJS.ProcessEnv = {}) {
  const demo = execa(process.execPath, ['--import', 'tsx', 'bin/demo.ts', ...args], {
    cwd: ROOT,
    detached: true,
    all: true,
    reject: false,
    env: {
      FORCE_COLOR: undefined,
      COLUMNS: '100',
      // On Node 20 the SDK adds lines about the end of its support.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      ...environment,
    },
  });
  let printed = '';
  demo.all.on('data', (chunk) => (printed += String(chunk)));
  /** Waits until it has printed a text. */
  const until = async (text: string) => {
    while (!printed.includes(text)) {
      if (demo.exitCode !== null) throw new Error(`The demo ended without "${text}":\n${printed}`);
      await Promise.race([once(demo.stdout, 'data'), demo]);
    }
  };
  const exit = async () => (await demo).exitCode;
  return { demo, output: () => printed, until, exit };
}

const TITLES = [
  'cdk deploy: one user with a device, in an AWS account on loopback',
  'What was made',
  'virtual-mfa qr Bob: the seed, for an authenticator app',
  'virtual-mfa code Bob: the current code',
  'virtual-mfa session Bob: a sign-in with MFA',
  'virtual-mfa verify Bob: what is proven',
  'cdk destroy: the device goes before its user',
  'Every step was observed',
];

function titlesIn(text: string): readonly string[] {
  return [...text.matchAll(/▸ ([^\n<]+)/g)].map(([, title = '']) => title);
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
  test('shows every step, plainly where there is no terminal, pauses where asked to, and ends with exit code 0', async () => {
    const { demo, output, until, exit } = startDemo(['--pause']);
    await until('Press Enter');
    expect(titlesIn(output())).toEqual(TITLES.slice(0, 3));
    demo.stdin.write('\n');

    expect(await exit()).toBe(0);

    expect(titlesIn(output())).toEqual(TITLES);
    expect(output()).toMatch(/Serial number {3}arn:aws:iam::123456789012:mfa\/Bob-[0-9a-f]{10}\n/);
    expect(output()).toMatch(/Enabled {9}\d+ ms after the Create event/);
    for (const action of ['iam:CreateVirtualMFADevice', 'secretsmanager:PutSecretValue', 'iam:EnableMFADevice']) {
      expect(output()).toMatch(new RegExp(`${action} +\\d+ ms\\n`));
    }
    const [, secondsLeft] = /▸ virtual-mfa code .+\n {2}\d{6} {2}(\d+) s left\n/.exec(output()) ?? [];
    expect(Number(secondsLeft)).toBeGreaterThanOrEqual(10);
    expect(output()).toContain('STS learns of a new device 8 to 14 s after it was enabled');
    expect(output()).toMatch(/Right code {6}accepted \d+\.\d s after enabling: a session of arn:\S+:user\/Bob\n/);
    expect(output()).toMatch(/Wrong code {6}\d{6} refused: MultiFactorAuthentication failed/);
    expect(output()).toContain('✓ enabled      for Bob');
    expect(output()).toContain('0 stacks, 0 users, 0 devices, 0 secrets');
    expect(output()).not.toContain('\u001b[');
    expect(output()).not.toMatch(/[A-Z2-7]{64}/);
    // What the CDK CLI prints is left out.
    expect(output()).not.toContain('CREATE_COMPLETE');

    const lines = output().slice(output().indexOf('▸')).trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(75);
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
  });

  test('shows what README’s picture shows: npm run docs:demo draws it anew', () => {
    expect(titlesIn(readFileSync(join(ROOT, 'docs/demo.svg'), 'utf8'))).toEqual(TITLES);
    expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain('](docs/demo.svg)');
  });

  test('tells which step failed, with the whole log of the CDK CLI, and ends with exit code 1', async () => {
    // Without a PATH the CLI finds no program to run the app.
    const { output, exit } = startDemo([], { PATH: '' });

    expect(await exit()).toBe(1);

    expect(output()).toContain('Subprocess exited with error');
    expect(output()).toContain(`Step "${TITLES[0]}" failed: cdk deploy ended with exit code 1`);
    expect(titlesIn(output())).toEqual(TITLES.slice(0, 1));
  });

  test('has an option that it does not know refused', async () => {
    const { output, exit } = startDemo(['--loud']);

    expect(await exit()).toBe(1);
    expect(output()).toContain("unknown option '--loud'");
  });

  test.runIf(process.platform === 'linux').for([
    ['the CDK CLI', 'deploying...', 'aws-cdk/bin/cdk deploy'],
    ['virtual-mfa', 'STS learns of a new device', 'bin/virtual-mfa.js session'],
  ] as const)(
    'ends at SIGINT while %s runs, and leaves no process and no file behind',
    async ([, printed, command]) => {
      const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-demo-test-'));
      const { demo, output, until, exit } = startDemo(['--verbose'], { TMPDIR: folder });
      await until(printed);
      await expect.poll(() => ofChildrenOf(demo.pid, 'cmdline')).toContain(command);
      const environment = ofChildrenOf(demo.pid, 'environ');
      const [, endpoint = ''] = /AWS_ENDPOINT_URL=(http:\/\/127\.0\.0\.1:\d+)/.exec(environment) ?? [];
      expect(endpoint).not.toBe('');

      demo.kill('SIGINT');

      expect(await exit()).toBe(130);
      expect(output()).toContain('Interrupted; nothing is left running.');
      expect(processesWith(endpoint)).toEqual([]);
      // tsx caches what it has compiled there.
      expect(readdirSync(folder).filter((name) => !name.startsWith('tsx-'))).toEqual([]);
    },
  );
});

/** The command lines, or the environments, of the processes that a process started. */
function ofChildrenOf(pid: number | undefined, file: 'cmdline' | 'environ'): string {
  const children = readFileSync(`/proc/${pid ?? 0}/task/${pid ?? 0}/children`, 'utf8')
    .trim()
    .split(' ');
  return children.map((child) => readFileSync(`/proc/${child}/${file}`, 'utf8').replaceAll('\0', ' ')).join('\n');
}
