import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DeleteAccessKeyCommand } from '@aws-sdk/client-iam';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { GetSessionTokenCommand } from '@aws-sdk/client-sts';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VIRTUAL_MFA } from '../../bin/virtual-mfa-command';
import { clientsOf, createAccessKey, type SigningCredentials, sessionOf } from '../../local-aws/test/callers';
import type { CurrentCode } from '../../lambda/contract/current-code';
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import { codeFunction } from './code-function-app';
import { Deployment } from './deployment';

/** The alias that a line of the function's log names; it says nothing else of the device. */
function aliasIn(line: string): unknown {
  const { alias, ...rest } = JSON.parse(line) as Record<string, unknown>;
  expect(Object.keys(rest).sort()).toEqual(['level', 'message', 'requestId', 'timestamp']);
  return alias;
}

/** What code-function-app.ts declares, deployed by the real CDK CLI: the real bundle in a process of its own, under its role. */
describe('codes without seeds, deployed', () => {
  let deployment: Deployment;
  let arn: string;
  let arnOfOther: string;
  let seeds: readonly StoredSeed[];
  const answers: string[] = [];

  beforeAll(async () => {
    deployment = await Deployment.start({}, codeFunction);
    const { exitCode, output } = await deployment.deploy();
    expect(exitCode, output).toBe(0);
    const stacks = await new CloudFormationClient(deployment.localAws.clientConfiguration).send(
      new DescribeStacksCommand({}),
    );
    const outputs = stacks.Stacks?.flatMap(({ Outputs = [] }) => Outputs) ?? [];
    const outputOf = (name: string) => outputs.find(({ OutputKey }) => OutputKey === name)?.OutputValue ?? '';
    arn = outputOf('RobotCodeFunctionArn');
    arnOfOther = outputOf('OtherCodeFunctionArn');
    seeds = await deployment.storedSeeds();
  });
  afterAll(() => deployment.stop());

  const credentialsOfRunner = (runner = 'RobotRunner') => sessionOf(deployment.localAws, runner, 'runner');

  async function invoke(FunctionName: string, payload: object = {}, asRoot = false): Promise<unknown> {
    const { clientConfiguration } = deployment.localAws;
    const credentials = asRoot ? clientConfiguration.credentials : credentialsOfRunner();
    const client = new LambdaClient({ ...clientConfiguration, credentials });
    const { Payload, FunctionError } = await client.send(
      new InvokeCommand({ FunctionName, Payload: JSON.stringify(payload) }),
    );
    const text = Payload?.transformToString() ?? '';
    answers.push(text);
    if (FunctionError !== undefined) throw new Error((JSON.parse(text) as { errorMessage: string }).errorMessage);
    return JSON.parse(text);
  }

  test('the runner signs the robot in with a code of the function', async () => {
    const { code, secondsLeft, serialNumber, userName } = (await invoke(arn)) as CurrentCode;
    expect(userName).toBe('Robot');
    expect(secondsLeft).toBeLessThanOrEqual(30);

    // STS learns of a device some seconds after it was enabled.
    deployment.localAws.account.advanceClock(20_000);
    const accessKey = await createAccessKey(deployment.iam, 'Robot');
    const { sts } = clientsOf(deployment.localAws, accessKey);
    const { Credentials } = await sts.send(new GetSessionTokenCommand({ SerialNumber: serialNumber, TokenCode: code }));

    expect(Credentials?.SessionToken).toBeDefined();
    await deployment.iam.send(new DeleteAccessKeyCommand({ UserName: 'Robot', AccessKeyId: accessKey.accessKeyId }));
  });

  test('virtual-mfa gets codes and a session with it, and reads no seed', async () => {
    const accessKey = await createAccessKey(deployment.iam, 'Other');
    const profile = (name: string, { accessKeyId, secretAccessKey, sessionToken }: SigningCredentials) =>
      `[${name}]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n` +
      (sessionToken === undefined ? '' : `aws_session_token=${sessionToken}\n`);
    const home = mkdtempSync(join(tmpdir(), 'virtual-mfa-robot-'));
    const profiles = join(home, 'credentials');
    writeFileSync(profiles, profile('robot', accessKey) + profile('runner', credentialsOfRunner('OtherRunner')), {
      mode: 0o600,
    });
    const { url } = deployment.localAws;
    const env = { PATH: process.env.PATH, HOME: home, AWS_ENDPOINT_URL: url, AWS_SHARED_CREDENTIALS_FILE: profiles };
    const run = (...args: string[]) => execa(process.execPath, [VIRTUAL_MFA, ...args], { env, extendEnv: false });
    const region = ['--region', 'us-east-1'];
    const reads = () =>
      deployment.localAws.account.calls.since().filter(({ caller }) => /Runner\/runner$/.test(caller));

    const code = await run('code', '--code-function', arnOfOther, '--profile', 'runner', '--json', ...region);
    const session = ['--code-function', arnOfOther, '--profile', 'robot', '--seed-profile', 'runner', ...region];
    const first = await run('session', ...session);
    const kept = await run('session', ...session);
    rmSync(home, { recursive: true, force: true });
    await deployment.iam.send(new DeleteAccessKeyCommand({ UserName: 'Other', AccessKeyId: accessKey.accessKeyId }));

    answers.push(code.stdout);
    expect(JSON.parse(code.stdout)).toMatchObject({ userName: 'Other' });
    expect(JSON.parse(first.stdout)).toMatchObject({ Version: 1, SessionToken: expect.any(String) as string });
    expect(kept.stdout).toBe(first.stdout);
    expect(reads()).toEqual([]);
  });

  test('the payload cannot choose another device', async () => {
    const [robot, other] = ['Robot', 'Other'].map((name) => seeds.find(({ userName }) => userName === name));
    const forged = {
      serialNumber: other?.serialNumber,
      userName: 'Other',
      invokedFunctionArn: arnOfOther,
      arn: arnOfOther,
    };

    expect(await invoke(arn, forged)).toMatchObject({ serialNumber: robot?.serialNumber, userName: 'Robot' });
  });

  test.each([
    ['the alias of another device', () => arnOfOther],
    ['$LATEST', () => arn.replace(/[^:]+$/, '$LATEST')],
    ['the function without a qualifier', () => arn.replace(/:[^:]+$/, '')],
  ])('the runner may not invoke %s', async (_what, target) => {
    await expect(invoke(target())).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  test('an administrator gets no code without an alias', async () => {
    await expect(invoke(arn.replace(/:[^:]+$/, ''), {}, true)).rejects.toThrow("without a device's alias");
  });

  test('the runner cannot read the seed', async () => {
    const { secretsManager } = clientsOf(deployment.localAws, credentialsOfRunner());
    const SecretId = `arn:aws:secretsmanager:us-east-1:123456789012:secret:${arn.split(':').at(-1)}`;

    await expect(secretsManager.send(new GetSecretValueCommand({ SecretId }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });

  test('no seed is in answers, logs, templates or what the CLI printed, and no code in a log', async () => {
    deployment.remember('');
    const { exitCode, output } = await deployment.destroy();
    expect(exitCode, output).toBe(0);

    expect(seeds).toHaveLength(2);
    const printed = deployment.everythingPublic();
    const given = printed.split('\n').filter((line) => line.includes('"Gave out a code"'));
    for (const line of given) expect([arn, arnOfOther].map((of) => of.split(':').at(-1))).toContain(aliasIn(line));
    expect(new Set(given.map(aliasIn)).size).toBe(2);
    for (const { seed } of seeds) expect([...answers, printed].join('\n')).not.toContain(seed);
    const codes = answers.flatMap((answer) => /"code":"(\d{6})"/.exec(answer)?.[1] ?? []);
    expect(codes).toHaveLength(3);
    for (const code of codes) expect(printed).not.toContain(`"${code}"`);
  });
});
