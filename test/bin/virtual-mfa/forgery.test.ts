import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SEED_VERSION_TAG, STACK_ID_TAG } from '../../../lambda/contract/own-tags';
import { STACK_ID, type Subject } from '../../lambda/lifecycle';
import { CommandLine } from './command-line';

let commandLine: CommandLine;
beforeAll(async () => {
  commandLine = await CommandLine.start();
});
afterAll(() => commandLine.close());

/** A secret like the construct's, with another value. */
async function secretLike(subject: Subject, changes: Readonly<Record<string, string>>): Promise<string> {
  const created = await subject.administrate('secretsmanager', 'CreateSecret', {
    Name: `like-${subject.userName}-${Object.keys(changes).join('-')}`,
    ClientRequestToken: subject.device()?.tags.get(SEED_VERSION_TAG),
    SecretString: JSON.stringify({ ...(await subject.stored()), ...changes }),
    Tags: [{ Key: STACK_ID_TAG, Value: STACK_ID }],
  });
  return String(created['ARN']);
}

describe('virtual-mfa, where somebody set tags or values to mislead it,', () => {
  test.each([['qr'], ['code'], ['verify'], ['resync'], ['session']])(
    'shows no seed and no code of one user for the device of another: %s',
    async (name) => {
      const alice = await commandLine.enrolled();
      const mallory = await commandLine.lifecycle.newSubject();
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
