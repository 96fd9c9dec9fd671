import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asCommandFailure } from '../../../bin/virtual-mfa/aws-access';
import { EXIT_CODES } from '../../../bin/virtual-mfa/command-failure';
import { AwsError } from 'local-aws';
import { Subject } from '../../lambda/subject';
import { CommandLine } from './command-line';

let commandLine: CommandLine;
beforeAll(async () => {
  commandLine = await CommandLine.start();
});
afterAll(() => commandLine.close());

const ACCOUNT = 'arn:aws:iam::123456789012';
const allow = (...Action: readonly string[]) => ({ Effect: 'Allow', Action, Resource: '*' });

describe('virtual-mfa, where it cannot do its job,', () => {
  test.each([
    ['a user', 'nobody', 'IAM knows no user nobody. Check the name'],
    ['a device', `${ACCOUNT}:mfa/none`, `IAM knows no device ${ACCOUNT}:mfa/none. It may have been replaced`],
    [
      'a secret',
      'arn:aws:secretsmanager:us-east-1:123456789012:secret:none-AbCdEf',
      'There is no secret arn:aws:secretsmanager:us-east-1:123456789012:secret:none-AbCdEf. It may have been deleted',
    ],
  ])('says that there is no such thing: %s', async (_what, target, message) => {
    const { exitCode, output, messages } = await commandLine.run(['code', target]);

    expect({ exitCode, output }).toEqual({ exitCode: 3, output: '' });
    expect(messages).toContain(`virtual-mfa: ${message}`);
  });

  test('tells a user without a device of the library which others there are', async () => {
    const subject = await Subject.in(commandLine.lifecycle);
    subject.foreignDevice(`${ACCOUNT}:mfa/by-hand`, { enabledFor: subject.otherUserName, tags: [] });

    const { exitCode, messages } = await commandLine.run(['code', subject.otherUserName]);

    expect(exitCode).toBe(3);
    expect(messages).toContain(`no device that cdk-iam-virtual-mfa manages, but others: ${ACCOUNT}:mfa/by-hand.`);
  });

  test.each([['code'], ['qr'], ['session'], ['verify'], ['resync']])(
    'says that somebody deleted the device by hand, and how to get a new one: %s',
    async (name) => {
      const subject = await commandLine.enrolled();
      await subject.deactivate();
      await subject.administrate('iam', 'DeleteVirtualMFADevice', { SerialNumber: subject.serialNumber() });

      const byUser = await commandLine.run([name, subject.userName]);
      const bySerialNumber = await commandLine.run([name, subject.serialNumber()]);

      for (const { exitCode, output, messages } of [byUser, bySerialNumber]) {
        expect({ exitCode, output }).toEqual({ exitCode: 3, output: '' });
        expect(messages).toContain(
          `The device of the user ${subject.userName} is gone: the stack users made it, and somebody deleted it by hand.`,
        );
        expect(messages).toContain('Set a new rotationId for this user (RotationId in mfa-users.json) and deploy');
      }
      const { answer } = await subject.update({}, { RotationId: 'gone' });
      expect(answer.Status).toBe('SUCCESS');
      expect((await commandLine.run(['code', subject.userName])).exitCode).toBe(0);
    },
  );

  test('says that a device may have been replaced, where its secret has the seed of another by now', async () => {
    const subject = await commandLine.enrolled();
    await subject.update({}, { RotationId: 'new' });
    await subject.delete();

    const { messages } = await commandLine.run(['code', subject.serialNumber()]);

    expect(messages).toContain(`IAM knows no device ${subject.serialNumber()}. It may have been replaced`);
  });

  test('says that the stack has not made the device yet', async () => {
    const subject = await Subject.in(commandLine.lifecycle);

    const { exitCode, messages } = await commandLine.run(['code', subject.userName]);

    expect(exitCode).toBe(3);
    expect(messages).toContain(`The device of the user ${subject.userName} does not exist yet`);
  });

  test('wants the serial number where a user has several devices', async () => {
    const subject = await commandLine.enrolled();
    const second = await Subject.in(commandLine.lifecycle);
    const { answer } = await second.create();
    expect(answer.Status).toBe('SUCCESS');
    const device = second.device();
    if (device) device.assignment = { userName: subject.userName, enableDate: new Date() };

    const { exitCode, messages } = await commandLine.run(['code', subject.userName]);

    expect(exitCode).toBe(3);
    expect(messages).toContain('has 2 devices');
    expect(messages).toContain(second.serialNumber());
  });

  test('says that the library does not manage a device', async () => {
    const subject = await Subject.in(commandLine.lifecycle);
    subject.foreignDevice(`${ACCOUNT}:mfa/unmarked`, { tags: [] });

    const { exitCode, messages } = await commandLine.run(['qr', `${ACCOUNT}:mfa/unmarked`]);

    expect(exitCode).toBe(3);
    expect(messages).toContain('it does not have the tags. If its seed is in a secret of the same form, give the ARN');
  });

  test('says that a secret holds no seed', async () => {
    const created = { Name: 'not-a-seed', SecretString: '{"password":"hunter2"}' };
    const { ARN } = await commandLine.lifecycle.aws.account.invoke('secretsmanager', 'CreateSecret', created);

    const { exitCode, messages } = await commandLine.run(['code', String(ARN)]);

    expect(exitCode).toBe(3);
    expect(messages).toContain('holds no seed of a device');
    expect(messages).not.toContain('hunter2');
  });

  test.each([
    ['userName' as const, false, 'There is no secret', 'aws secretsmanager restore-secret'],
    ['seedSecretArn' as const, false, 'There is no secret', 'aws secretsmanager restore-secret'],
    ['userName' as const, true, 'No secret with the seed of', 'AWS takes up to five minutes to list it'],
  ])('says that a secret is scheduled for deletion, or not listed: by %s', async (key, isForGood, what, remedy) => {
    const subject = await commandLine.enrolled();
    const deletion = { SecretId: subject.seedSecretArn, ForceDeleteWithoutRecovery: isForGood };
    await subject.administrate('secretsmanager', 'DeleteSecret', deletion);

    const { exitCode, messages } = await commandLine.run(['code', subject[key]]);

    expect(exitCode).toBe(3);
    expect(messages).toContain(what);
    expect(messages).toContain(remedy);
  });

  test.each([['code'], ['qr'], ['resync']])('says that the device is not assigned: %s', async (name) => {
    const subject = await commandLine.enrolled();
    await subject.deactivate();

    const { exitCode, messages } = await commandLine.run([name, subject.serialNumber()]);

    expect(exitCode).toBe(5);
    expect(messages).toContain(`exists, but is not enabled for the user ${subject.userName}. Somebody deactivated it.`);
  });

  test.each([
    ['iam:ListMFADevices', []],
    ['iam:ListMFADeviceTags', ['iam:ListMFADevices']],
    ['secretsmanager:ListSecrets', ['iam:ListMFADevices', 'iam:ListMFADeviceTags']],
    ['secretsmanager:GetSecretValue', ['iam:ListMFADevices', 'iam:ListMFADeviceTags', 'secretsmanager:ListSecrets']],
  ])('names the permission that is missing: %s', async (action, allowed) => {
    const subject = await commandLine.enrolled();
    const name = `without-${action.replace(':', '-')}`;
    const key = await commandLine.keyOfOperator(name, allow('sts:GetCallerIdentity', ...allowed));

    const { exitCode, messages } = await commandLine.run(['code', subject.userName], {}, key);

    expect(exitCode).toBe(4);
    expect(messages).toContain(`virtual-mfa: AWS denied ${action} on `);
    expect(messages).toContain('Allow it for these credentials, or choose others (--profile');
  });

  test.each([
    ['user bob', 'user bob'],
    ['user bob because no identity-based policy allows the iam:ListMFADevices action', 'user bob'],
    [`${ACCOUNT}:mfa/ops/bob because no identity-based policy allows it`, `${ACCOUNT}:mfa/ops/bob`],
  ])('names what AWS says that the permission is missing on: %s', (on, resource) => {
    const message = `User: ${ACCOUNT}:user/eve is not authorized to perform: iam:ListMFADevices on resource: ${on}`;
    const denied = Object.assign(new Error(message), { name: 'AccessDenied' });

    expect(asCommandFailure(denied, 'iam:ListVirtualMFADevices', 'the account')).toMatchObject({
      kind: 'accessDenied',
      message: expect.stringContaining(`AWS denied iam:ListMFADevices on ${resource}: User: `) as string,
    });
  });

  test('names the permission on the key, and the key', async () => {
    const { account } = commandLine.lifecycle.aws;
    const root = { Effect: 'Allow', Principal: { AWS: `${ACCOUNT}:root` }, Action: 'kms:*', Resource: '*' };
    const created = await account.invoke('kms', 'CreateKey', { Policy: JSON.stringify({ Statement: root }) });
    const { Arn } = created['KeyMetadata'] as { Arn: string };
    const seed = {
      serialNumber: `${ACCOUNT}:mfa/x`,
      userName: 'x',
      seed: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
      otpauthUri: 'otpauth://',
    };
    const input = { Name: 'encrypted', KmsKeyId: Arn, SecretString: JSON.stringify(seed) };
    const { ARN } = await account.invoke('secretsmanager', 'CreateSecret', input);
    const key = await commandLine.keyOfOperator('without-key', allow('secretsmanager:*'));

    const { exitCode, messages } = await commandLine.run(['code', String(ARN)], {}, key);

    expect(exitCode).toBe(4);
    expect(messages).toContain(`AWS denied kms:Decrypt on the key of the secret ${String(ARN)}, ${Arn}.`);
  });

  test('names the key where Secrets Manager says only that the caller may not use KMS', async () => {
    const subject = await commandLine.enrolled();
    const { account } = commandLine.lifecycle.aws;
    const answer = new AwsError('AccessDeniedException', 'Access to KMS is not allowed', 400);
    account.faults.inject({ action: 'secretsmanager:GetSecretValue', answer });

    const { exitCode, messages } = await commandLine.run(['code', subject.seedSecretArn]);

    expect(exitCode).toBe(4);
    expect(messages).toContain(`AWS denied kms:Decrypt on the key of the secret ${subject.seedSecretArn}, which `);
    expect(messages).toContain('in the policy of the key (seedSecret.grantRead does both)');
  });

  test.each([
    [
      'DecryptionFailure',
      "Secrets Manager can't decrypt the secret value: arn:aws:kms:us-east-1:123456789012:key/1234abcd is disabled (Service: AWSKMS; Status Code: 400; Error Code: DisabledException).",
    ],
    [
      'DecryptionFailure',
      "Secrets Manager can't decrypt the secret value: arn:aws:kms:us-east-1:123456789012:key/1234abcd is pending deletion.",
    ],
    ['EncryptionFailure', "Secrets Manager can't encrypt the protected secret text using the provided KMS key."],
    ['KMSInvalidStateException', 'arn:aws:kms:us-east-1:123456789012:key/1234abcd is pending deletion.'],
  ])('says that nobody can use the key, in AWS’s words: %s, %s', async (name, words) => {
    const subject = await commandLine.enrolled();
    const { account } = commandLine.lifecycle.aws;
    account.faults.inject({ action: 'secretsmanager:GetSecretValue', answer: new AwsError(name, words, 400) });

    const { exitCode, messages } = await commandLine.run(['code', subject.userName]);

    expect(exitCode).toBe(1);
    expect(messages).toContain(
      `Secrets Manager cannot use the key of the secret ${subject.seedSecretArn}: ${words} Enable the key`,
    );
    expect(messages).not.toContain('Try again');
  });

  test.each([
    ['code', -95_000, '95 seconds behind'],
    ['session', 70_000, '70 seconds ahead of'],
    ['resync', 3_600_000, '3600 seconds ahead of'],
  ])('compares the clock with AWS’s before it uses a code: %s', async (name, clockAhead, words) => {
    const subject = await commandLine.enrolled();
    commandLine.lifecycle.clock.advance(30_000);
    const before = structuredClone(subject.device());

    const { exitCode, output, messages } = await commandLine.run([name, subject.userName], { clockAhead });

    expect({ exitCode, output }).toEqual({ exitCode: 6, output: '' });
    expect(messages).toContain(`The clock of this machine is ${words} AWS's`);
    expect(subject.device()).toEqual(before);
  });

  test('puts up with a clock that is a little off', async () => {
    const subject = await commandLine.enrolled();

    const { exitCode } = await commandLine.run(['code', subject.userName], { clockAhead: 55_000 });

    expect(exitCode).toBe(0);
  });

  test('shows the next step where a denial names a user without path or ARN, as AWS does', async () => {
    const subject = await commandLine.enrolled();
    const key = await commandLine.keyOfOperator('without-any');
    const { aws } = commandLine.lifecycle;
    const message = `User: ${ACCOUNT}:user/without-any is not authorized to perform: iam:ListMFADevices on resource: user ${subject.userName} because no identity-based policy allows the iam:ListMFADevices action`;
    aws.account.faults.inject({ action: 'iam:ListMFADevices', answer: new AwsError('AccessDenied', message, 403) });

    const { exitCode, messages } = await commandLine.run(['code', subject.userName], {}, key);

    expect(exitCode).toBe(4);
    expect(messages).toContain(`AWS denied iam:ListMFADevices on the user ${subject.userName}: ${message}.`);
    expect(messages).toContain('Allow it for these credentials, or choose others');
  });

  test('says that there are no credentials', async () => {
    const { aws } = commandLine.lifecycle;
    const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...environment } = aws.environment;
    const noInstance = { ...environment, AWS_EC2_METADATA_DISABLED: 'true' };

    const { exitCode, messages } = await commandLine.runIn(noInstance, ['list']);

    expect(exitCode).toBe(4);
    expect(messages).toContain('There are no AWS credentials: Could not load credentials from any providers.');
  });

  test('says that AWS rejects the credentials', async () => {
    const { exitCode, messages } = await commandLine.run(['list'], {}, { accessKeyId: 'AKIAX', secretAccessKey: 'x' });

    expect(exitCode).toBe(4);
    expect(messages).toContain('AWS rejects the credentials: The security token included in the request is invalid.');
  });

  test('says that no region is configured', async () => {
    const { AWS_REGION: _region, AWS_DEFAULT_REGION: _default, ...environment } = commandLine.lifecycle.aws.environment;

    const { exitCode, messages } = await commandLine.runIn(environment, ['list']);

    expect(exitCode).toBe(2);
    expect(messages).toContain('No AWS region is configured. Give --region');
  });

  test('says that AWS cannot be reached', async () => {
    const environment = { ...commandLine.lifecycle.aws.environment, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' };

    const { exitCode, messages } = await commandLine.runIn({ ...environment, AWS_MAX_ATTEMPTS: '1' }, ['list']);

    expect(exitCode).toBe(1);
    expect(messages).toMatch(/^virtual-mfa: [a-z]+:List\w+ failed: /);
    expect(messages).toContain('ECONNREFUSED');
  });

  test('takes the profile that is given before the environment’s credentials', async () => {
    const subject = await commandLine.enrolled();
    const { accessKeyId, secretAccessKey } = commandLine.lifecycle.aws.credentials;
    const file = join(commandLine.home, 'credentials');
    writeFileSync(file, `[root]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`);
    const environment = { ...commandLine.lifecycle.aws.environment, AWS_ACCESS_KEY_ID: 'AKIAX' };
    const withFile = { ...environment, AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: file };

    const { exitCode } = await commandLine.runIn(withFile, ['code', subject.userName, '--profile', 'root']);
    const unknown = await commandLine.runIn(withFile, ['code', subject.userName, '--profile', 'stranger']);

    expect(exitCode).toBe(0);
    expect(unknown.exitCode).toBe(4);
    expect(unknown.messages).toContain('There are no AWS credentials: ');
    expect(unknown.messages).toContain('[stranger]');
  });

  test.each([
    [['code'], 'No device is given.'],
    [['resync'], "missing required argument 'user|serial|secret'"],
    [['code', 'Bob Smith'], 'The argument, a text of 9 characters, names no user, device or secret.'],
    [['codes', 'Bob'], "unknown command 'codes'"],
    [['code', 'Bob', '--sms'], "unknown option '--sms'"],
    [['code', 'Bob', 'Alice'], 'too many arguments'],
  ])('says what it does not understand: %j', async (args, message) => {
    const { exitCode, output, messages } = await commandLine.run(args);

    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(messages).toContain(message);
  });

  test.each([
    [['\u001b[2J\u009b31m\nvirtual-mfa: done']],
    [['code', 'Bob', '--\u001b]0;title\u0007']],
    [['code', '\u001b[2J']],
    [['session', 'Bob', '--duration-seconds', '9\u001b[8m']],
    [['code', 'Bob', '\r\u001b[K']],
    [['list', '--stack', '\u001b[1A', '--region', 'eu-west-1']],
  ])('prints on one line, and without what steers a terminal, what was typed: %j', async (args) => {
    const { messages } = await commandLine.run(args);
    const { messages: asJson } = await commandLine.run([...args, '--json']);

    expect(messages).toMatch(/^\P{Cc}+\n$/u);
    expect(asJson).toMatch(/^(?:\P{Cc}+\n)?$/u);
  });

  test.each([
    [['verify', 'Bob', '--repair=GEZDGNBV'], "unknown option '--repair'"],
    [['qr', 'Bob', '--out-dirr=GEZDGNBV'], "unknown option '--out-dirr'"],
    [['code', "--s=x\n'=GEZDGNBV'"], "unknown option '--s'"],
    [
      ['session', 'Bob', '--duration-seconds', "GEZDGNBV' is"],
      "'--duration-seconds <seconds>': its argument is invalid.",
    ],
  ])('repeats no value of an option: %j', async (args, message) => {
    const inWords = await commandLine.run(args);
    const asJson = await commandLine.run([...args, '--json']);

    for (const { exitCode, output, messages } of [inWords, asJson]) {
      expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
      expect(messages).toContain(message);
      expect(messages).not.toContain('GEZDGNBV');
    }
  });

  test('suggests a command that is spelt alike', async () => {
    const { messages } = await commandLine.run(['codes', 'Bob']);

    expect(messages).toBe("error: unknown command 'codes' (Did you mean code?)\n");
  });

  test.each([[['code', '--json']], [['list', '--json', '--sms']]])('says that as JSON too: %j', async (args) => {
    const { exitCode, output, messages } = await commandLine.run(args);

    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(JSON.parse(messages)).toMatchObject({ error: { kind: 'usage', exitCode: 2 } });
  });

  test('does not go on to other credentials than those of the profile that is given', async () => {
    const environment = { ...commandLine.lifecycle.aws.environment, AWS_CONFIG_FILE: join(commandLine.home, 'none') };

    const { exitCode, messages } = await commandLine.runIn(environment, ['list', '--profile', 'typo']);

    expect(exitCode).toBe(4);
    expect(messages).toContain('[typo]');
  });

  test('says it as JSON where JSON is wanted', async () => {
    const { exitCode, output, messages } = await commandLine.run(['code', 'nobody', '--json']);

    expect({ exitCode, output }).toEqual({ exitCode: 3, output: '' });
    expect(JSON.parse(messages)).toEqual({
      error: { kind: 'notFound', message: expect.stringContaining('IAM knows no user nobody.') as string, exitCode: 3 },
    });
  });
});

describe('virtual-mfa --help', () => {
  test('has every command and every exit code', async () => {
    const { exitCode, output } = await commandLine.run(['--help']);

    expect(exitCode).toBe(0);
    for (const name of ['list', 'qr', 'code', 'session', 'verify', 'resync', 'skeleton']) {
      expect(output).toMatch(new RegExp(`^  ${name} `, 'm'));
    }
    for (const { code, meaning } of Object.values(EXIT_CODES)) expect(output).toContain(`${code}  ${meaning}`);
  });

  test.each([['list'], ['qr'], ['code'], ['session'], ['verify'], ['resync'], ['skeleton']])(
    'has examples of %s',
    async (name) => {
      const { exitCode, output } = await commandLine.run([name, '--help']);

      expect(exitCode).toBe(0);
      expect(output).toMatch(new RegExp(`Examples:\n {2}npx --no virtual-mfa ${name}`));
    },
  );

  test('prints the version', async () => {
    expect(await commandLine.run(['--version'])).toEqual({ exitCode: 0, output: '1.2.3\n', messages: '' });
  });
});
