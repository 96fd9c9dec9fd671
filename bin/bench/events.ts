import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { type CustomResourceEvent, type LocalAws, nodeBinary, startLocalAws } from '../local-aws';
import { cdk } from './cdk-command';

const ROOT = join(__dirname, '..');
const BUNDLE = join(ROOT, 'dist/handler/index.js');
const UNBUNDLED = join(ROOT, 'dist/bench');
const LATENCIES_MILLISECONDS = [0, 50];
const EVENTS = 15;
const LOADS = 11;
const USER_NAME = 'Bob';

/** `npm run bench`: prints the figures that the README quotes, measured on this machine, now. */
async function bench(): Promise<void> {
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const node = nodeBinary();

  print('Handler on local-aws, warm, median of ' + String(EVENTS) + ' events (milliseconds):');
  for (const latency of LATENCIES_MILLISECONDS) {
    const { create, update, remove } = await measureEvents(latency);
    const line = (name: string, { milliseconds, calls }: Measured) =>
      `  ${name.padEnd(22)} ${milliseconds.toFixed(0).padStart(5)}  ${calls.length} AWS calls: ${calls.join(', ')}`;
    print(` ${latency} ms added per AWS call`);
    print(line('Create', create));
    print(line('Update (replacement)', update));
    print(line('Delete', remove));
  }

  print(`Bundle: ${(statSync(BUNDLE).size / 1000).toFixed(0)} kB`);
  print(
    `Module load under ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}, median of ${LOADS} (milliseconds):`,
  );
  print(`  bundled                ${loadTime(node, BUNDLE).toFixed(0).padStart(5)}`);
  print(`  the same, unbundled    ${loadTime(node, unbundledHandler()).toFixed(0).padStart(5)}`);

  const began = Date.now();
  execFileSync('npm', ['run', '--silent', 'demo'], { cwd: ROOT, stdio: 'ignore' });
  print(
    `npm run demo: ${((Date.now() - began) / 1000).toFixed(0)} s, up to 30 s of it waiting for a code that is not used up`,
  );
}

interface Measured {
  readonly milliseconds: number;
  readonly calls: readonly string[];
}

/** Deploys a device with the real CLI, then sends the deployed function events as CloudFormation would, one after the other. */
async function measureEvents(latency: number): Promise<{ create: Measured; update: Measured; remove: Measured }> {
  const localAws = await startLocalAws();
  const answers = await answerSink();
  try {
    const created = await deployedEvent(localAws);
    localAws.account.faults.latencyMilliseconds = latency;
    const send = async (event: Partial<CustomResourceEvent>): Promise<Measured> => {
      const began = performance.now();
      const callsBegan = Date.now();
      await localAws.lambda.invoke(created.ServiceToken, { ...created, ...event, ResponseURL: answers.nextUrl() });
      const calls = localAws.account.calls.since(callsBegan).filter(({ source }) => source === 'http');
      return { milliseconds: performance.now() - began, calls: calls.map(({ action }) => action.replace(/^.*:/, '')) };
    };
    const create: Measured[] = [];
    const update: Measured[] = [];
    const remove: Measured[] = [];
    for (let round = 0; round < EVENTS; round += 1) {
      const first = { ...created.ResourceProperties, RotationId: `${round} first` };
      const second = { ...created.ResourceProperties, RotationId: `${round} second` };
      create.push(await send({ RequestType: 'Create', ResourceProperties: first }));
      const firstId = answers.lastPhysicalResourceId();
      update.push(
        await send({
          RequestType: 'Update',
          ResourceProperties: second,
          OldResourceProperties: first,
          PhysicalResourceId: firstId,
        }),
      );
      const secondId = answers.lastPhysicalResourceId();
      await send({ RequestType: 'Delete', ResourceProperties: first, PhysicalResourceId: firstId });
      remove.push(await send({ RequestType: 'Delete', ResourceProperties: second, PhysicalResourceId: secondId }));
    }
    return { create: median(create), update: median(update), remove: median(remove) };
  } finally {
    answers.close();
    await localAws.close();
  }
}

async function deployedEvent(localAws: LocalAws): Promise<CustomResourceEvent> {
  const events: CustomResourceEvent[] = [];
  localAws.cloudFormation.onCustomResourceEvent((observation) => {
    if (observation.kind === 'event') events.push(observation.event);
  });
  const { exitCode, output } = await cdk(
    [
      'deploy',
      '--require-approval',
      'never',
      '--output',
      join(ROOT, 'dist/bench-cdk.out'),
      '-c',
      `users=${USER_NAME}`,
      '-c',
      'createUsers=true',
    ],
    { environment: localAws.environment, output: 'result' },
  );
  const [event] = events;
  if (exitCode !== 0 || !event) throw new Error(`cdk deploy failed:\n${output}`);
  return event;
}

/** Takes the answers that CloudFormation would take; each must be a success. */
async function answerSink(): Promise<{
  nextUrl: () => string;
  lastPhysicalResourceId: () => string;
  close: () => void;
}> {
  let last = '';
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const answer = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
      if (answer.Status !== 'SUCCESS') throw new Error(`The handler answered ${String(answer.Reason)}`);
      last = answer.PhysicalResourceId ?? '';
      response.end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  let signedAt = Date.now();
  return {
    // Events follow one another here in less than the second that tells their order: each is dated an hour after the last.
    nextUrl: () => {
      signedAt += 3_600_000;
      const date = new Date(signedAt).toISOString().replace(/[-:]|\.\d{3}/g, '');
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/?X-Amz-Date=${date}`;
    },
    lastPhysicalResourceId: () => last,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The handler's modules one by one, with the SDK as it lies in node_modules. */
function unbundledHandler(): string {
  rmSync(UNBUNDLED, { recursive: true, force: true });
  buildSync({
    entryPoints: [join(ROOT, 'lambda/*.ts')],
    outdir: UNBUNDLED,
    format: 'cjs',
    platform: 'node',
    target: 'node24',
  });
  return join(UNBUNDLED, 'index.js');
}

function loadTime(node: string, module: string): number {
  const script = `const began = performance.now(); require(${JSON.stringify(module)}); process.stdout.write(String(performance.now() - began));`;
  const environment = { PATH: process.env.PATH, AWS_REGION: 'us-east-1' };
  const times = Array.from({ length: LOADS }, () =>
    Number(execFileSync(node, ['-e', script], { encoding: 'utf8', env: environment })),
  );
  return middle(times);
}

function median(measured: readonly Measured[]): Measured {
  const milliseconds = middle(measured.map((one) => one.milliseconds));
  return { milliseconds, calls: measured.at(-1)?.calls ?? [] };
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

bench().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
