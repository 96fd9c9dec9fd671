import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateVirtualMFADeviceCommand } from '@aws-sdk/client-iam';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LOGICAL_ID_TAG, SEED_VERSION_TAG, STACK_ID_TAG, USER_NAME_TAG } from '../../../lambda/contract/own-tags';
import { seedVersionId } from '../../../lambda/contract/seed-version';
import { storedSeedOf } from '../../../lambda/contract/stored-seed';
import { ACCOUNT_ID, KNOWN_SEED, STACK_ID, tagsByCloudFormation } from '../../lambda/handler-stack';
import { Subject } from '../../lambda/subject';
import { CommandLine } from './command-line';
import { clientsOf } from '../../../local-aws/test/callers';

let commandLine: CommandLine;
beforeAll(async () => {
  commandLine = await CommandLine.start();
});
afterAll(() => commandLine.close());

/** A secret like the construct's, of the same stack, with another value. */
async function secretLike(subject: Subject, changes: Readonly<Record<string, string>>): Promise<string> {
  const created = await subject.administrate('secretsmanager', 'CreateSecret', {
    Name: `like-${subject.userName}-${Object.keys(changes).join('-')}`,
    ClientRequestToken: subject.device()?.tags.get(SEED_VERSION_TAG),
    SecretString: JSON.stringify({ ...(await subject.stored()), ...changes }),
    Tags: [{ Key: STACK_ID_TAG, Value: STACK_ID }, ...tagsByCloudFormation('Another')],
  });
  return String(created['ARN']);
}

/** A device whose seed Mallory knows, and a secret with this seed, both with the tags of a user's resource: all with permissions of her own. */
async function plant(victim: Subject): Promise<{ readonly serialNumber: string; readonly secretArn: string }> {
  const name = `mallory-${victim.userName}`;
  const credentials = await commandLine.keyOfOperator(name, {
    Effect: 'Allow',
    Action: [
      'iam:CreateVirtualMFADevice',
      'iam:TagMFADevice',
      'secretsmanager:CreateSecret',
      'secretsmanager:TagResource',
    ],
    Resource: '*',
  });
  const clients = clientsOf(commandLine.lifecycle.aws, credentials);
  const serialNumber = `arn:aws:iam::${ACCOUNT_ID}:mfa/${name}`;
  const versionId = seedVersionId('20260115T120007Z', randomUUID(), serialNumber);
  const resource = [
    { Key: STACK_ID_TAG, Value: STACK_ID },
    { Key: LOGICAL_ID_TAG, Value: victim.logicalId },
  ];
  const { VirtualMFADevice } = await clients.iam.send(
    new CreateVirtualMFADeviceCommand({
      VirtualMFADeviceName: name,
      Tags: [...resource, { Key: SEED_VERSION_TAG, Value: versionId }],
    }),
  );
  const seed = Buffer.from(VirtualMFADevice?.Base32StringSeed ?? []).toString();
  const owner = { serialNumber, userName: victim.userName, issuer: 'Amazon Web Services', accountId: ACCOUNT_ID };
  const { ARN = '' } = await clients.secretsManager.send(
    new CreateSecretCommand({
      Name: name,
      ClientRequestToken: versionId,
      SecretString: JSON.stringify(storedSeedOf(owner, seed)),
      Tags: [...resource, { Key: USER_NAME_TAG, Value: victim.userName }],
    }),
  );
  return { serialNumber, secretArn: ARN };
}

describe('virtual-mfa, where somebody planted a device and a secret with the tags of a stack,', () => {
  test.each([
    ['beside the device of a user', true],
    ['for a user without a device', false],
  ])('verify --repair does not enable it: %s', async (_what, isEnrolled) => {
    const victim = await (isEnrolled ? commandLine.enrolled() : Subject.in(commandLine.lifecycle));
    const before = victim.enabledFor();
    const { serialNumber } = await plant(victim);

    const ofUser = await commandLine.run(['verify', victim.userName, '--repair']);
    const ofAll = await commandLine.run(['verify', '--all', '--repair']);

    expect(victim.enabledFor()).toEqual(before);
    expect(ofUser.output + ofAll.output).not.toContain('enabled again');
    commandLine.lifecycle.aws.iam.virtualMfaDevices.delete(serialNumber);
  });

  test.each([['qr'], ['code'], ['session'], ['verify'], ['resync']])('%s does not take it', async (name) => {
    const victim = await Subject.in(commandLine.lifecycle);
    const { serialNumber } = await plant(victim);
    const device = victim.device(serialNumber);
    if (device) device.assignment = { userName: victim.userName, enableDate: new Date() };

    const { exitCode, output, messages } = await commandLine.run([name, victim.userName]);

    expect({ exitCode, output }).toEqual({ exitCode: 3, output: '' });
    expect(messages).toContain(`No secret with the seed of ${serialNumber} is listed in us-east-1.`);
    commandLine.lifecycle.aws.iam.virtualMfaDevices.delete(serialNumber);
  });

  test.each([
    ['none of CloudFormation', []],
    ['those of another stack', tagsByCloudFormation('Planted', `${STACK_ID}-of-mallory`)],
    ['the stack’s id alone', tagsByCloudFormation('Planted').slice(0, 1)],
  ])('list shows no secret with %s among its tags', async (_what, tags) => {
    const { account } = commandLine.lifecycle.aws;
    const { ARN } = await account.invoke('secretsmanager', 'CreateSecret', {
      Name: `planted-${randomUUID()}`,
      Tags: [{ Key: STACK_ID_TAG, Value: STACK_ID }, { Key: USER_NAME_TAG, Value: 'mallory' }, ...tags],
    });

    const { output } = await commandLine.run(['list', '--json']);

    expect(output).not.toContain(ARN);
    expect(output).not.toContain('mallory');
  });
});

describe('virtual-mfa, where somebody set tags or values to mislead it,', () => {
  test.each([['qr'], ['code'], ['verify'], ['resync'], ['session']])(
    'shows no seed and no code of one user for the device of another: %s',
    async (name) => {
      const alice = await commandLine.enrolled();
      const mallory = await Subject.in(commandLine.lifecycle);
      const own = `arn:aws:iam::123456789012:mfa/${mallory.userName}`;
      mallory.foreignDevice(own, {
        enabledFor: mallory.userName,
        tags: [
          [STACK_ID_TAG, STACK_ID],
          [SEED_VERSION_TAG, alice.device()?.tags.get(SEED_VERSION_TAG) ?? ''],
        ],
      });

      const { exitCode, output, messages } = await commandLine.run([name, mallory.userName]);

      expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
      expect(messages).toContain(`has the seed of ${alice.serialNumber()}, not of ${own}.`);
      await commandLine.expectNoSeedPrinted(alice);
    },
  );

  test.each([['qr'], ['code'], ['session']])(
    '%s shows nothing of a secret that records the device and another user',
    async (name) => {
      const subject = await commandLine.enrolled();
      const { otherUserName: userName } = subject;
      const owner = { serialNumber: subject.serialNumber(), userName, issuer: 'x', accountId: ACCOUNT_ID };
      const { otpauthUri } = storedSeedOf(owner, (await subject.stored())?.seed ?? '');
      const forged = await secretLike(subject, { userName, otpauthUri });
      const forGood = { SecretId: subject.seedSecretArn, ForceDeleteWithoutRecovery: true };
      await subject.administrate('secretsmanager', 'DeleteSecret', forGood);

      const { exitCode, output, messages } = await commandLine.run([name, subject.userName]);

      expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
      expect(messages).toContain(`The secret ${forged} has the seed of ${userName}, not of ${subject.userName}.`);
    },
  );

  test('shows no seed where two secrets claim the device, and names both', async () => {
    const subject = await commandLine.enrolled();
    const forged = await secretLike(subject, { otpauthUri: 'otpauth://totp/forged' });

    const { exitCode, output, messages } = await commandLine.run(['qr', subject.userName, '--uri']);

    expect({ exitCode, output }).toEqual({ exitCode: 3, output: '' });
    expect(messages).toContain(forged);
    expect(messages).toContain(subject.seedSecretArn);
  });

  test.each([
    ['an escape sequence in the URI', { otpauthUri: 'otpauth://totp/\u001b[2Jx?secret=AB' }],
    ['another seed in the URI', { otpauthUri: 'otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }],
    ['a label that cannot be decoded', { otpauthUri: `otpauth://totp/%zz?secret=${KNOWN_SEED}`, seed: KNOWN_SEED }],
    ['another protocol', { otpauthUri: 'https://example.com/' }],
    ['an escape sequence in the user’s name', { userName: 'bob\u001b[31m' }],
    ['an escape sequence in the serial number', { serialNumber: 'arn:aws:iam::123456789012:mfa/\u009b31m' }],
    ['a short seed', { seed: 'GEZDGNBV' }],
    ['no text', { seed: null as unknown as string }],
  ])('takes no value of a secret with %s', async (_what, changes) => {
    const subject = await commandLine.enrolled();
    const arn = await secretLike(subject, changes);

    const { exitCode, output, messages } = await commandLine.run(['qr', arn, '--uri']);

    expect({ exitCode, output }).toEqual({ exitCode: 3, output: '' });
    expect(messages).toContain('holds no seed of a device');
    expect(messages.trim()).not.toMatch(/\p{Cc}/u);
  });

  test('passes over devices whose tags name no stack', async () => {
    const subject = await commandLine.enrolled();
    await subject.deactivate();
    subject.foreignDevice('arn:aws:iam::123456789012:mfa/garbage', { tags: [[STACK_ID_TAG, 'garbage']] });

    const { exitCode, messages } = await commandLine.run(['code', subject.userName]);

    expect(exitCode).toBe(5);
    expect(messages).toContain(`${subject.serialNumber()} exists, but is not enabled for the user`);
  });

  test('prints of what AWS says one line, and nothing that steers a terminal', async () => {
    const quoting = createServer(({ headers }, response) => {
      const message = 'The request signature does not match\u001b[31m.\n\nx-amz-security-token:SECRET-TOKEN';
      // Secrets Manager speaks JSON, IAM the query protocol.
      const [type, body] =
        headers['x-amz-target'] === undefined
          ? [
              'text/xml',
              `<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>${message}</Message></Error></ErrorResponse>`,
            ]
          : ['application/x-amz-json-1.1', JSON.stringify({ __type: 'InvalidSignatureException', message })];
      response.writeHead(403, { 'content-type': type });
      response.end(body);
    });
    await new Promise<void>((listening) => quoting.listen(0, '127.0.0.1', listening));
    const { port } = quoting.address() as AddressInfo;
    const environment = { ...commandLine.lifecycle.aws.environment, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };

    const { exitCode, messages } = await commandLine.runIn(environment, ['list']);

    quoting.close();
    expect(exitCode).toBe(4);
    expect(messages).toContain('The request signature does not match');
    expect(messages).not.toContain('SECRET-TOKEN');
    expect(messages).not.toContain('\u001b');
  });
});
