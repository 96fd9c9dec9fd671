import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DeleteAccessKeyCommand } from '@aws-sdk/client-iam';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { GetSessionTokenCommand } from '@aws-sdk/client-sts';
import { type App, aws_iam as iam, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeAt } from '../../lambda/contract/authentication-codes';
import { VirtualMfaDevice } from '../../lib';
import { clientsOf, createAccessKey } from '../../local-aws/test/callers';
import { Deployment } from './deployment';

const DAY_MILLISECONDS = 86_400_000;

function rotated(app: App): void {
  const stack = new Stack(app, 'VirtualMfaStack');
  const user = new iam.User(stack, 'Robot', { userName: 'Robot' });
  const rotation = { automaticallyAfter: Duration.days(30) };
  const device = new VirtualMfaDevice(stack, 'RobotMfa', { user, virtualMfaDeviceName: 'robot', rotation });
  new CfnOutput(stack, 'SerialNumber', { value: device.serialNumber });
}

/** The real bundle in a process of its own, under its role, deployed by the real CDK CLI; its waits take no time. */
describe('a rotation on a schedule, deployed', () => {
  let deployment: Deployment;
  const seeds = new Set<string>();
  const collectSeeds = () => {
    for (const { seed } of deployment.localAws.iam.virtualMfaDevices.values()) seeds.add(seed);
  };

  beforeAll(async () => {
    deployment = await Deployment.start({ functionsPassTime: true }, rotated);
    const { exitCode, output } = await deployment.deploy();
    expect(exitCode, output).toBe(0);
    collectSeeds();
  });
  afterAll(() => deployment.stop());

  const outcomes = () => deployment.localAws.secretsManager.outcomes.map(({ eventName }) => eventName);

  async function outputs() {
    const client = new CloudFormationClient(deployment.localAws.clientConfiguration);
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({}));
    return Stacks.flatMap(({ Outputs = [] }) => Outputs);
  }

  async function signIn(): Promise<void> {
    const { account } = deployment.localAws;
    const [stored] = await deployment.storedSeeds();
    account.advanceClock(30_000);
    const accessKey = await createAccessKey(deployment.iam, 'Robot');
    const { sts } = clientsOf(deployment.localAws, accessKey);
    const TokenCode = codeAt(stored?.seed ?? '', account.now());
    await sts.send(new GetSessionTokenCommand({ SerialNumber: stored?.serialNumber, TokenCode }));
    await deployment.iam.send(new DeleteAccessKeyCommand({ UserName: 'Robot', AccessKeyId: accessKey.accessKeyId }));
  }

  test('is tested by the deployment, which rotates nothing', () => {
    expect(outcomes()).toEqual(['TestRotationSucceeded']);
    expect(seeds.size).toBe(1);
  });

  test('gives the robot another seed when its time has come, and the stack notices nothing', async () => {
    const { localAws, secretsManager } = deployment;
    const before = await outputs();
    const [old] = await deployment.storedSeeds();
    localAws.account.advanceClock(31 * DAY_MILLISECONDS);

    await localAws.secretsManager.rotateDue();
    collectSeeds();

    expect(localAws.secretsManager.outcomes.at(-1)?.error?.message).toBeUndefined();
    expect(outcomes()).toEqual(['TestRotationSucceeded', 'RotationSucceeded']);
    const [stored] = await deployment.storedSeeds();
    expect(stored?.serialNumber).toBe(old?.serialNumber);
    expect(stored?.seed === old?.seed).toBe(false);
    expect(deployment.enabledFor('Robot')).toEqual([stored?.serialNumber]);
    expect(localAws.iam.virtualMfaDevices.size).toBe(1);
    const { SecretList = [] } = await secretsManager.send(new ListSecretsCommand({}));
    expect(SecretList[0]?.LastRotatedDate).toBeDefined();
    await signIn();
    expect(await outputs()).toEqual(before);
    // The CLI asks for a stack that is not there. If its clock differs from the account's, it blames the clock and asks for a minute.
    const ahead = localAws.account.millisecondsAhead;
    localAws.account.advanceClock(-ahead);
    const diff = await deployment.cdk(['diff', '--fail']);
    localAws.account.advanceClock(ahead);
    expect(diff.exitCode, diff.output).toBe(0);
  });

  test('goes with the stack, and has told nobody a seed or a code', async () => {
    const { exitCode, output } = await deployment.destroy();

    expect(exitCode, output).toBe(0);
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(0);
    const text = deployment.everythingPublic();
    for (const seed of seeds) expect(text.includes(seed)).toBe(false);
    expect(text).toContain('finishSecret succeeded');
  });
});
