import {
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  ListMFADeviceTagsCommand,
} from '@aws-sdk/client-iam';
import { CreateSecretCommand, ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeAt, previousAndCurrentCode } from '../../lambda/contract/authentication-codes';
import { clientsOf, keyOf, signIn } from '../../local-aws/test/callers';
import { adoption } from './adoption-app';
import { Deployment } from './deployment';

const PHONE = 'arn:aws:iam::123456789012:mfa/phone-of-alice';
const DEVICE = 'arn:aws:iam::123456789012:mfa/device-of-robot';

/** adoption-app.ts, deployed by the real CDK CLI into an account where a script has made the devices. */
describe('devices that exist already', () => {
  let deployment: Deployment;
  const seeds: Record<string, string> = {};
  const secretNames = async () => {
    const { SecretList = [] } = await deployment.secretsManager.send(new ListSecretsCommand({}));
    return SecretList.map(({ Name }) => Name);
  };
  const tagsOf = async (SerialNumber: string) =>
    (await deployment.iam.send(new ListMFADeviceTagsCommand({ SerialNumber }))).Tags?.map(({ Key }) => Key);

  async function madeByScript(VirtualMFADeviceName: string): Promise<void> {
    const { VirtualMFADevice } = await deployment.iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName }));
    seeds[VirtualMFADeviceName] = new TextDecoder().decode(VirtualMFADevice?.Base32StringSeed);
  }

  async function isAsFound(): Promise<void> {
    expect(deployment.enabledFor('Alice')).toEqual([PHONE]);
    expect(deployment.localAws.iam.device(DEVICE).assignment).toBeUndefined();
    expect(await tagsOf(PHONE)).toEqual([]);
    expect(await tagsOf(DEVICE)).toEqual([]);
    expect(deployment.localAws.iam.users.all().map(({ name }) => name)).toEqual(['Alice']);
  }

  beforeAll(async () => {
    deployment = await Deployment.start({ functionsPassTime: true }, adoption);
    await deployment.iam.send(new CreateUserCommand({ UserName: 'Alice' }));
    await madeByScript('phone-of-alice');
    await madeByScript('device-of-robot');
    const [AuthenticationCode1, AuthenticationCode2] = previousAndCurrentCode(
      seeds['phone-of-alice'] ?? '',
      deployment.localAws.account.now(),
    );
    const codes = { AuthenticationCode1, AuthenticationCode2 };
    await deployment.iam.send(new EnableMFADeviceCommand({ UserName: 'Alice', SerialNumber: PHONE, ...codes }));
    await deployment.secretsManager.send(
      new CreateSecretCommand({ Name: 'phones', SecretString: JSON.stringify(seeds) }),
    );
  });
  afterAll(async () => {
    await deployment.stop();
  });

  test('are as they were found after a creation that is rolled back, and the stack’s user is gone', async () => {
    const { exitCode, output } = await deployment.deploy('fails=yes');

    expect(exitCode).toBe(1);
    expect(output).toContain('ROLLBACK_COMPLETE');
    await isAsFound();
    expect(await secretNames()).toEqual(['phones']);
  });

  test('are adopted', async () => {
    const { exitCode, output } = await deployment.deploy();

    expect(exitCode, output).toBe(0);
    expect(deployment.enabledFor('Alice')).toEqual([PHONE]);
    expect(deployment.enabledFor('Robot')).toEqual([DEVICE]);
    expect(await tagsOf(PHONE)).toContain('cdk-iam-virtual-mfa:adopted');
    const robot = clientsOf(deployment.localAws, keyOf(deployment.localAws, 'Robot'));
    const { account } = deployment.localAws;
    account.advanceClock(30_000);
    const TokenCode = codeAt(seeds['device-of-robot'] ?? '', account.now());
    await signIn(robot, { SerialNumber: DEVICE, TokenCode });
    for (const seed of Object.values(seeds)) expect(deployment.everythingPublic().includes(seed)).toBe(false);
  });

  test('are as they were found after the stack is deleted, and copies of their seeds stay', async () => {
    const { exitCode, output } = await deployment.destroy();

    expect(exitCode, output).toBe(0);
    await isAsFound();
    expect(await secretNames()).toHaveLength(3);
  });
});
