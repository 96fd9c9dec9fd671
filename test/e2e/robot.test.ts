import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { type LocalAws, startLocalAws } from 'local-aws';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { VIRTUAL_MFA } from '../../bin/virtual-mfa-command';
import { cdkInProcess } from './cdk-in-process';
import { DEPLOY } from './deployment';
import { sessionOf } from '../../local-aws/test/callers';
import { isInstalled } from '../../local-aws/test/programs';

const EXAMPLES = join(__dirname, '../../examples');

interface Workflow {
  readonly jobs: { readonly robot: { readonly steps: readonly { readonly run?: string }[] } };
}

/** examples/robot.ts, deployed, and the commands of examples/robot.yml that come after npm's, with the real aws CLI. */
describe.skipIf(!isInstalled('aws'))('the workflow of a robot (needs the aws CLI)', () => {
  let localAws: LocalAws;
  const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-robot-'));
  const assembly = join(folder, 'cdk.out');
  const checkout = join(folder, 'checkout');
  const home = join(folder, 'home');

  beforeAll(async () => {
    localAws = await startLocalAws({ describesStacksAtRest: true });
    vi.stubEnv('CDK_OUTDIR', assembly);
    // With a query, for another file of this worker may have imported it.
    await import(`${join(EXAMPLES, 'robot.ts')}?deployed`);
    vi.unstubAllEnvs();
    const { exitCode, output } = await cdkInProcess([...DEPLOY, '--app', assembly], localAws.environment);
    expect(exitCode, output).toBe(0);
    // STS learns of a device some seconds after it was enabled.
    localAws.account.advanceClock(20_000);
    mkdirSync(join(checkout, 'node_modules/.bin'), { recursive: true });
    mkdirSync(home);
    symlinkSync(VIRTUAL_MFA, join(checkout, 'node_modules/.bin/virtual-mfa'));
  });
  afterAll(async () => {
    await localAws.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The outputs of the stack, as the repository's variables have them. */
  async function outputOf(name: string): Promise<string> {
    const { Stacks } = await localAws.account.invoke('cloudformation', 'DescribeStacks', {});
    const stacks = Stacks as { readonly Outputs?: readonly { OutputKey: string; OutputValue: string }[] }[];
    const outputs = stacks.flatMap(({ Outputs = [] }) => Outputs);
    return outputs.find(({ OutputKey }) => OutputKey === name)?.OutputValue ?? '';
  }

  test('acts as the robot, with MFA; its role reads no seed', async () => {
    const { jobs } = parse(readFileSync(join(EXAMPLES, 'robot.yml'), 'utf8')) as Workflow;
    const [, profiles = '', work = ''] = jobs.robot.steps.flatMap(({ run: command }) => command ?? []);
    const roleName = (await outputOf('JobRoleArn')).split('/').at(-1);
    const { account } = localAws;
    const role = sessionOf(localAws, roleName ?? '', 'job');
    const env = {
      PATH: process.env.PATH,
      HOME: home,
      AWS_ENDPOINT_URL: localAws.url,
      AWS_REGION: account.region,
      AWS_DEFAULT_REGION: account.region,
    };
    await execa('bash', ['-ec', profiles], {
      cwd: checkout,
      extendEnv: false,
      env: {
        ...env,
        AWS_ACCESS_KEY_ID: role.accessKeyId,
        AWS_SECRET_ACCESS_KEY: role.secretAccessKey,
        AWS_SESSION_TOKEN: role.sessionToken,
        KEY_SECRET_ARN: await outputOf('KeySecretArn'),
        CODE_FUNCTION_ARN: await outputOf('CodeFunctionArn'),
      },
    });

    const { stdout } = await execa('bash', ['-ec', work], { cwd: checkout, env, extendEnv: false });

    expect(JSON.parse(stdout)).toMatchObject({ Arn: 'arn:aws:iam::123456789012:user/robot' });
    const sessions = account.calls.since().filter(({ action }) => action === 'sts:GetSessionToken');
    expect(sessions.map(({ error }) => error)).toEqual([undefined]);
    const reads = account.calls
      .since()
      .filter(({ action, caller }) => action === 'secretsmanager:GetSecretValue' && caller.endsWith('/job'));
    expect(reads).toHaveLength(1);
  });
});
