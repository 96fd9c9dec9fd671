import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetUserCommand, IAMClient } from '@aws-sdk/client-iam';
import { type LocalAws, startLocalAws } from '../../local-aws';
import { cdk } from '../cdk-command';
import { median, milliseconds, type Section } from './report';

const STARTS = 11;
const REQUESTS = 2_000;
const AT_ONCE = 8;

/** What local-aws itself takes: it must not be what tests and measurements wait for. */
export async function measureLocalAws(): Promise<Section[]> {
  const starts: number[] = [];
  for (let round = 0; round < STARTS; round += 1) {
    const began = performance.now();
    const started = await startLocalAws();
    starts.push(performance.now() - began);
    await started.close();
  }
  const localAws = await startLocalAws();
  try {
    const perSecond = await requestsPerSecond(localAws);
    const { wall, cloudFormation } = await emptyStack(localAws);
    const share = ((100 * cloudFormation) / wall).toFixed(1);
    return [
      {
        title: 'local-aws itself',
        head: ['what', 'measured'],
        rows: [
          ['start (ms)', milliseconds(median(starts))],
          [`requests a second, SDK included, ${AT_ONCE} at once`, perSecond.toFixed(0)],
          ['cdk deploy of an empty stack (ms)', milliseconds(wall)],
          ['of which local-aws worked (ms)', milliseconds(cloudFormation)],
        ],
        notes: [
          `Of a deployment local-aws takes ${share} %; the rest is Node, the CDK app, and the CLI’s waits between its questions.`,
        ],
      },
    ];
  } finally {
    await localAws.close();
  }
}

async function requestsPerSecond(localAws: LocalAws): Promise<number> {
  await localAws.account.invoke('iam', 'CreateUser', { UserName: 'Bob' });
  const iam = new IAMClient(localAws.clientConfiguration);
  const ask = () => iam.send(new GetUserCommand({ UserName: 'Bob' }));
  await ask();
  const began = performance.now();
  const asker = async () => {
    for (let request = 0; request < REQUESTS / AT_ONCE; request += 1) await ask();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, asker));
  iam.destroy();
  return REQUESTS / ((performance.now() - began) / 1000);
}

/** The whole of a deployment, and the sum of what its calls took: in the log, from their arrival to their answer. */
async function emptyStack(localAws: LocalAws): Promise<{ wall: number; cloudFormation: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-bench-'));
  const app = join(folder, 'app.js');
  const library = require.resolve('aws-cdk-lib');
  writeFileSync(
    app,
    `const { App, Stack } = require(${JSON.stringify(library)}); const app = new App(); new Stack(app, 'Empty'); app.synth();`,
  );
  try {
    const since = Date.now();
    const began = performance.now();
    const { exitCode, output } = await cdk(
      [
        'deploy',
        '--app',
        `${process.execPath} ${app}`,
        '--output',
        join(folder, 'cdk.out'),
        '--require-approval',
        'never',
      ],
      { environment: localAws.environment, output: 'result' },
    );
    if (exitCode !== 0) throw new Error(`cdk deploy failed:\n${output}`);
    const calls = localAws.account.calls.since(since).filter(({ source }) => source === 'http');
    const cloudFormation = calls.reduce((sum, { time, answered }) => sum + answered - time, 0);
    return { wall: performance.now() - began, cloudFormation };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
