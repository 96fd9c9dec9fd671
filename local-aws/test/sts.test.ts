import {
  CreateRoleCommand,
  CreateUserCommand,
  DeactivateMFADeviceCommand,
  DeleteAccessKeyCommand,
  GetUserCommand,
  ListMFADevicesCommand,
  ListUsersCommand,
  PutRolePolicyCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand, GetSessionTokenCommand } from '@aws-sdk/client-sts';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STS_DELAY_MILLISECONDS } from '../src/sts/mfa-codes';
import { allow, type Clients, createAccessKey, credentialsOf, type SigningCredentials } from './callers';
import {
  ACCOUNT_ID,
  codeAt,
  createUserWithDevice,
  type Device,
  NOON,
  refusalOf,
  startStrictAccount,
  STEP,
  type StrictAccount,
  wrongCode,
} from './strict-account';

let account: StrictAccount;
let device: Device;
let key: SigningCredentials;
let bob: Clients;

beforeEach(async () => {
  account = await startStrictAccount();
  device = await createUserWithDevice(account, 'Bob');
  key = await createAccessKey(account.iam, 'Bob');
  bob = account.as(key);
  account.pass(STS_DELAY_MILLISECONDS);
});

afterEach(() => account.close());

const sessionToken = (client: Clients, TokenCode?: string, SerialNumber: string | undefined = device.serialNumber) =>
  client.sts.send(
    new GetSessionTokenCommand(TokenCode === undefined ? {} : { SerialNumber, TokenCode, DurationSeconds: 900 }),
  );
const whoIs = (client: Clients) => client.sts.send(new GetCallerIdentityCommand({}));
const codeNow = (steps = 0) => codeAt(device.seed, account.now() + steps * STEP);

const WRONG_CODE = {
  code: 'AccessDenied',
  status: 403,
  message: 'MultiFactorAuthentication failed with invalid MFA one time pass code. ',
};

const UNABLE = {
  code: 'AccessDenied',
  status: 403,
  message:
    'MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.',
};

describe('GetCallerIdentity', () => {
  it('tells root and users who they are, and asks for no permission', async () => {
    expect(await whoIs(account)).toMatchObject({
      Account: ACCOUNT_ID,
      UserId: ACCOUNT_ID,
      Arn: `arn:aws:iam::${ACCOUNT_ID}:root`,
    });
    const identity = await whoIs(bob);
    expect(identity).toMatchObject({ Account: ACCOUNT_ID, Arn: `arn:aws:iam::${ACCOUNT_ID}:user/Bob` });
    expect(identity.UserId).toMatch(/^AIDA[A-Z0-9]{17}$/);
  });

  it('knows where a user has moved to', async () => {
    await account.iam.send(new UpdateUserCommand({ UserName: 'Bob', NewPath: '/moved/' }));
    expect((await whoIs(bob)).Arn).toBe(`arn:aws:iam::${ACCOUNT_ID}:user/moved/Bob`);
  });
});

describe('GetSessionToken', () => {
  it('takes a fresh code of the own device, once', async () => {
    const { Credentials } = await sessionToken(bob, codeNow());
    expect(Credentials?.AccessKeyId).toMatch(/^ASIA/);
    expect(Credentials?.Expiration).toEqual(new Date(NOON + STS_DELAY_MILLISECONDS + 900_000));
    expect(await refusalOf(sessionToken(bob, codeNow()))).toEqual(WRONG_CODE);
    account.pass(STEP);
    await sessionToken(bob, codeNow());
  });

  it('takes the codes of two time steps either way, in any order, those that the device was enabled with too', async () => {
    for (const steps of [2, -1, 0, 1, -2]) await sessionToken(bob, codeNow(steps));
    for (const steps of [-1, 0]) expect(await refusalOf(sessionToken(bob, codeNow(steps)))).toEqual(WRONG_CODE);
  });

  it('refuses wrong, stale and early codes, and a serial number without a code', async () => {
    account.pass(10 * STEP);
    const codes = [wrongCode(device.seed, account.now()), codeNow(-3), codeNow(3)];
    for (const code of codes) expect(await refusalOf(sessionToken(bob, code))).toEqual(WRONG_CODE);
    const command = new GetSessionTokenCommand({ SerialNumber: device.serialNumber });
    expect(await refusalOf(bob.sts.send(command))).toEqual(WRONG_CODE);
    await sessionToken(bob, codeNow());
  });

  it('does not know a device at once that IAM already shows', async () => {
    const { serialNumber, seed } = await createUserWithDevice(account, 'Eve');
    const eve = account.as(await createAccessKey(account.iam, 'Eve'));
    const signIn = (step: number) => sessionToken(eve, codeAt(seed, account.now() + step * STEP), serialNumber);
    const { MFADevices } = await account.iam.send(new ListMFADevicesCommand({ UserName: 'Eve' }));
    expect(MFADevices).toHaveLength(1);
    account.pass(STS_DELAY_MILLISECONDS - 1000);
    expect(await refusalOf(signIn(0))).toEqual(UNABLE);
    account.pass(1000);
    await signIn(0);
  });

  it('uses a code up shortly before it knows the device', async () => {
    const { serialNumber, seed } = await createUserWithDevice(account, 'Eve');
    const eve = account.as(await createAccessKey(account.iam, 'Eve'));
    const [code, next] = [codeAt(seed, account.now()), codeAt(seed, account.now() + STEP)];
    account.pass(STS_DELAY_MILLISECONDS - 100);
    expect(await refusalOf(sessionToken(eve, code, serialNumber))).toEqual(UNABLE);
    account.pass(100);
    expect(await refusalOf(sessionToken(eve, code, serialNumber))).toEqual(WRONG_CODE);
    await sessionToken(eve, next, serialNumber);
  });

  it('verifies nine codes of a device in three minutes of UTC, right and wrong ones alike', async () => {
    account.pass(180_000 - (account.now() % 180_000));
    for (let count = 0; count < 8; count += 1) {
      expect(await refusalOf(sessionToken(bob, wrongCode(device.seed, account.now())))).toEqual(WRONG_CODE);
    }
    await sessionToken(bob, codeNow());
    account.pass(179_999);
    expect(await refusalOf(sessionToken(bob, codeNow()))).toEqual(UNABLE);
    account.pass(1);
    await sessionToken(bob, codeNow());
  });

  it("refuses someone else's device, an unknown one, one that was deactivated some seconds ago, a code without a serial number, and root's key", async () => {
    const others = await createUserWithDevice(account, 'Eve');
    account.pass(STEP);
    const othersCode = codeAt(others.seed, account.now());
    expect(await refusalOf(sessionToken(bob, othersCode, others.serialNumber))).toEqual(UNABLE);
    expect(await refusalOf(sessionToken(bob, codeNow(), `${device.serialNumber}x`))).toEqual(UNABLE);
    expect(await refusalOf(bob.sts.send(new GetSessionTokenCommand({ TokenCode: codeNow() })))).toEqual(UNABLE);
    expect(await refusalOf(sessionToken(account, codeNow()))).toEqual(UNABLE);
    const { serialNumber: SerialNumber } = device;
    await account.iam.send(new DeactivateMFADeviceCommand({ UserName: 'Bob', SerialNumber }));
    await sessionToken(bob, codeNow());
    account.pass(STS_DELAY_MILLISECONDS);
    expect(await refusalOf(sessionToken(bob, codeNow(1)))).toEqual(UNABLE);
  });

  it('refuses temporary credentials', async () => {
    const session = account.as(credentialsOf((await sessionToken(bob)).Credentials));
    expect(await refusalOf(sessionToken(session))).toEqual({
      code: 'AccessDenied',
      status: 403,
      message: 'Cannot call GetSessionToken with session credentials',
    });
  });

  it.each([
    [{ DurationSeconds: 899 }, 'durationSeconds', 'have value greater than or equal to 900'],
    [{ DurationSeconds: 129_601 }, 'durationSeconds', 'have value less than or equal to 129600'],
    [{ TokenCode: '12345' }, 'tokenCode', 'have length greater than or equal to 6'],
    [{ TokenCode: 'abcdef' }, 'tokenCode', 'satisfy regular expression pattern: [\\d]*'],
    [{ SerialNumber: 'short' }, 'serialNumber', 'have length greater than or equal to 9'],
  ])('refuses %j as AWS words it', async (input, member, constraint) => {
    const { code, message } = await refusalOf(bob.sts.send(new GetSessionTokenCommand(input)));
    expect(code).toBe('ValidationError');
    expect(message).toContain(`at '${member}' failed to satisfy constraint: Member must ${constraint}`);
  });
});

describe('a session of a user', () => {
  const everything = { Effect: 'Allow', Action: '*', Resource: '*' };

  it('that was got without MFA calls other services, and IAM not at all', async () => {
    await allow(account.iam, 'Bob', everything);
    const session = account.as(credentialsOf((await sessionToken(bob)).Credentials));
    expect((await whoIs(session)).Arn).toBe(`arn:aws:iam::${ACCOUNT_ID}:user/Bob`);
    await session.secretsManager.send(new ListSecretsCommand({}));
    expect(await refusalOf(session.iam.send(new ListUsersCommand({})))).toMatchObject({
      code: 'AccessDenied',
      status: 403,
      message: expect.stringContaining('with an explicit deny') as string,
    });
    expect(await refusalOf(session.iam.send(new GetUserCommand({})))).toMatchObject({ code: 'AccessDenied' });
    await bob.iam.send(new ListUsersCommand({}));
  });

  it('that was got with MFA calls IAM as far as the user may', async () => {
    await allow(account.iam, 'Bob', { Effect: 'Allow', Action: 'iam:ListMFADevices', Resource: '*' });
    account.pass(STEP);
    const session = account.as(credentialsOf((await sessionToken(bob, codeNow())).Credentials));
    expect((await session.iam.send(new ListMFADevicesCommand({}))).MFADevices).toHaveLength(1);
    expect(await refusalOf(session.iam.send(new ListUsersCommand({})))).toMatchObject({ code: 'AccessDenied' });
  });

  it.each([
    ['Bool', 'a key says nothing of MFA', { Bool: { 'aws:MultiFactorAuthPresent': 'true' } }, 'deny', 'deny', 'allow'],
    [
      'BoolIfExists false',
      'a key passes too',
      { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' } },
      'allow',
      'allow',
      'deny',
    ],
    ['Null', 'only a key has none', { Null: { 'aws:MultiFactorAuthPresent': 'true' } }, 'allow', 'deny', 'deny'],
    [
      'NumericLessThan age',
      'only MFA has an age',
      { NumericLessThan: { 'aws:MultiFactorAuthAge': '300' } },
      'deny',
      'deny',
      'allow',
    ],
  ])('tells policies of its MFA (%s: %s)', async (_operator, _why, Condition, forKey, without, withMfa) => {
    await allow(account.iam, 'Bob', { ...everything, Condition });
    account.pass(STEP);
    const clients = [
      bob,
      account.as(credentialsOf((await sessionToken(bob)).Credentials)),
      account.as(credentialsOf((await sessionToken(bob, codeNow())).Credentials)),
    ];
    const list = async ({ secretsManager }: Clients) =>
      secretsManager.send(new ListSecretsCommand({})).then(
        () => 'allow',
        () => 'deny',
      );
    expect(await Promise.all(clients.map(list))).toEqual([forKey, without, withMfa]);
  });

  it('grows too old for a policy that wants a recent code', async () => {
    const Condition = { NumericLessThan: { 'aws:MultiFactorAuthAge': 300 } };
    await allow(account.iam, 'Bob', { ...everything, Condition });
    account.pass(STEP);
    const session = account.as(credentialsOf((await sessionToken(bob, codeNow())).Credentials));
    account.pass(299_000);
    await session.iam.send(new ListUsersCommand({}));
    account.pass(1000);
    expect(await refusalOf(session.iam.send(new ListUsersCommand({})))).toMatchObject({ code: 'AccessDenied' });
  });
});

describe('AssumeRole', () => {
  const RoleArn = `arn:aws:iam::${ACCOUNT_ID}:role/team/reader`;
  const createRole = (Principal: unknown, extra: Record<string, unknown> = {}) =>
    account.iam.send(
      new CreateRoleCommand({
        RoleName: 'reader',
        Path: '/team/',
        AssumeRolePolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal, Action: 'sts:AssumeRole', ...extra }],
        }),
      }),
    );
  const mayAssume = () => allow(account.iam, 'Bob', { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: RoleArn });
  const assume = (client: Clients, input: Partial<AssumeRoleCommand['input']> = {}) =>
    client.sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'visit', ...input }));

  it('gives the role to whom it trusts and who may assume it', async () => {
    await createRole({ AWS: `arn:aws:iam::${ACCOUNT_ID}:root` });
    await mayAssume();
    const { AssumedRoleUser, Credentials } = await assume(bob);
    expect(AssumedRoleUser?.Arn).toBe(`arn:aws:sts::${ACCOUNT_ID}:assumed-role/reader/visit`);
    expect(AssumedRoleUser?.AssumedRoleId).toMatch(/^AROA[A-Z0-9]{17}:visit$/);
    const session = account.as(credentialsOf(Credentials));
    expect((await whoIs(session)).Arn).toBe(AssumedRoleUser?.Arn);
    expect((await refusalOf(session.iam.send(new ListUsersCommand({})))).message).toBe(
      `User: arn:aws:sts::${ACCOUNT_ID}:assumed-role/reader/visit is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::${ACCOUNT_ID}:user/ because no identity-based policy allows the iam:ListUsers action`,
    );
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 'iam:ListUsers', Resource: '*' },
    });
    await account.iam.send(new PutRolePolicyCommand({ RoleName: 'reader', PolicyName: 'read', PolicyDocument }));
    await session.iam.send(new ListUsersCommand({}));
  });

  it('is refused to whom the role does not trust, to whom no policy allows it, and where there is no role', async () => {
    await createRole({ AWS: `arn:aws:iam::${ACCOUNT_ID}:user/Eve` });
    await mayAssume();
    await account.iam.send(new CreateUserCommand({ UserName: 'Eve' }));
    const eve = account.as(await createAccessKey(account.iam, 'Eve'));
    const refused = { code: 'AccessDenied', status: 403 };
    expect(await refusalOf(assume(bob))).toMatchObject(refused);
    expect(await refusalOf(assume(eve))).toMatchObject(refused);
    expect(await refusalOf(assume(account, { RoleArn: `${RoleArn}2` }))).toMatchObject(refused);
    // The name alone is not the role: its path belongs to the ARN.
    const pathless = `arn:aws:iam::${ACCOUNT_ID}:role/reader`;
    expect(await refusalOf(assume(account, { RoleArn: pathless }))).toMatchObject(refused);
  });

  it('asks for the code that a trust policy wants, and takes it once', async () => {
    await createRole(
      { AWS: `arn:aws:iam::${ACCOUNT_ID}:root` },
      { Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } },
    );
    await mayAssume();
    account.pass(STEP);
    expect(await refusalOf(assume(bob))).toMatchObject({ code: 'AccessDenied', status: 403 });
    const mfa = { SerialNumber: device.serialNumber, TokenCode: codeNow() };
    await assume(bob, mfa);
    expect(await refusalOf(assume(bob, mfa))).toEqual(WRONG_CODE);
    account.pass(STEP);
    const session = account.as(credentialsOf((await sessionToken(bob, codeNow())).Credentials));
    await assume(session);
  });

  it('compares the external id', async () => {
    await createRole({ AWS: ACCOUNT_ID }, { Condition: { StringEquals: { 'sts:ExternalId': 'secret-handshake' } } });
    await mayAssume();
    expect(await refusalOf(assume(bob))).toMatchObject({ code: 'AccessDenied' });
    expect(await refusalOf(assume(bob, { ExternalId: 'other' }))).toMatchObject({ code: 'AccessDenied' });
    await assume(bob, { ExternalId: 'secret-handshake' });
  });

  it('gives no session that is longer than the role allows', async () => {
    await createRole({ AWS: ACCOUNT_ID });
    await mayAssume();
    expect(await refusalOf(assume(bob, { DurationSeconds: 3601 }))).toMatchObject({
      code: 'ValidationError',
      message: 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    });
    await assume(bob, { DurationSeconds: 3600 });
  });
});

describe('credentials', () => {
  const EXPIRED = 'The security token included in the request is expired';

  it('expire, as IAM and as Secrets Manager word it', async () => {
    account.pass(STEP);
    const session = account.as(credentialsOf((await sessionToken(bob, codeNow())).Credentials));
    account.pass(899_999);
    await whoIs(session);
    account.pass(1);
    expect(await refusalOf(whoIs(session))).toEqual({ code: 'ExpiredToken', status: 403, message: EXPIRED });
    expect(await refusalOf(session.secretsManager.send(new ListSecretsCommand({})))).toMatchObject({
      code: 'ExpiredTokenException',
      status: 400,
    });
  });

  it('are refused once their key is deleted', async () => {
    await whoIs(bob);
    await account.iam.send(new DeleteAccessKeyCommand({ UserName: 'Bob', AccessKeyId: key.accessKeyId }));
    expect(await refusalOf(whoIs(bob))).toMatchObject({ code: 'InvalidClientTokenId', status: 403 });
  });

  it('are refused when nobody issued them, or their session token is missing, foreign, or too many', async () => {
    const stranger = account.as({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' });
    expect(await refusalOf(whoIs(stranger))).toEqual({
      code: 'InvalidClientTokenId',
      status: 403,
      message: expect.stringMatching(/^The security token included in the request is invalid/) as string,
    });
    expect(await refusalOf(stranger.secretsManager.send(new ListSecretsCommand({})))).toMatchObject({
      code: 'UnrecognizedClientException',
      status: 400,
    });
    const { accessKeyId, secretAccessKey } = credentialsOf((await sessionToken(bob)).Credentials);
    for (const credentials of [
      { accessKeyId, secretAccessKey },
      { accessKeyId, secretAccessKey, sessionToken: 'foreign' },
      { ...key, sessionToken: 'too many' },
    ]) {
      expect(await refusalOf(whoIs(account.as(credentials)))).toMatchObject({ code: 'InvalidClientTokenId' });
    }
  });
});
