import {
  CreateUserCommand,
  DeleteUserCommand,
  GetUserCommand,
  IAMClient,
  ListGroupsForUserCommand,
  ListUsersCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-iam';
import {
  CreateSecretCommand,
  RemoveRegionsFromReplicationCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { GetFederationTokenCommand } from '@aws-sdk/client-sts';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AwsError, type Fault } from '../src';
import { allow, type Clients, createAccessKey } from './callers';
import { ACCOUNT_ID, NOON, refusalOf, startStrictAccount, type StrictAccount } from './strict-account';

let account: StrictAccount;

beforeEach(async () => {
  account = await startStrictAccount();
});

afterEach(() => account.close());

const createUser = (UserName: string, client: Clients = account) =>
  client.iam.send(new CreateUserCommand({ UserName }));
const hasUser = (UserName: string) => account.localAws.iam.users.find(UserName) !== undefined;
const inject = (fault: Partial<Fault> = {}) =>
  account.localAws.account.faults.inject({
    action: 'iam:CreateUser',
    answer: new AwsError('ServiceFailure', 'on demand', 500),
    ...fault,
  });
const ON_DEMAND = { code: 'ServiceFailure', status: 500, message: 'on demand' };
/** A signature that names a key and a service: all that the account reads of one. */
const signed = (service: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=${account.localAws.credentials.accessKeyId}/20260115/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
});
const post = (headers: Record<string, string>, body = '') =>
  fetch(account.localAws.url, { method: 'POST', headers, body });

describe('a fault', () => {
  it('strikes before a call takes effect, once', async () => {
    inject();
    expect(await refusalOf(createUser('Bob'))).toEqual(ON_DEMAND);
    expect(hasUser('Bob')).toBe(false);
    await createUser('Bob');
  });

  it('strikes after a call has taken effect', async () => {
    inject({ moment: 'after' });
    expect(await refusalOf(createUser('Bob'))).toEqual(ON_DEMAND);
    expect(hasUser('Bob')).toBe(true);
    expect(await refusalOf(createUser('Bob'))).toMatchObject({ code: 'EntityAlreadyExists', status: 409 });
  });

  it('that strikes after a call waits while the call is refused', async () => {
    await createUser('Bob');
    inject({ moment: 'after' });
    expect(await refusalOf(createUser('Bob'))).toMatchObject({ code: 'EntityAlreadyExists' });
    expect(await refusalOf(createUser('Eve'))).toEqual(ON_DEMAND);
    expect(hasUser('Eve')).toBe(true);
  });

  it('breaks the connection without an answer', async () => {
    for (const moment of ['before', 'after'] as const) {
      inject({ moment, answer: 'connection reset' });
      const { code, status } = await refusalOf(createUser(moment));
      expect(['ECONNRESET', 'TimeoutError', 'Error']).toContain(code);
      expect(status).toBeUndefined();
      expect(hasUser(moment)).toBe(moment === 'after');
    }
  });

  it('that broke the connection after the effect makes the retry of the SDK find what it made itself', async () => {
    const settings = { endpoint: account.localAws.url, region: 'us-east-1', credentials: account.localAws.credentials };
    const iam = new IAMClient(settings);
    const secretsManager = new SecretsManagerClient(settings);
    inject({ moment: 'after', answer: 'connection reset' });
    expect(await refusalOf(iam.send(new CreateUserCommand({ UserName: 'Bob' })))).toMatchObject({
      code: 'EntityAlreadyExists',
    });
    // Secrets Manager knows the request again by its token.
    inject({ action: 'secretsmanager:CreateSecret', moment: 'after', answer: 'connection reset' });
    const created = await secretsManager.send(new CreateSecretCommand({ Name: 'seed', SecretString: 'one' }));
    expect(created.VersionId).toBeDefined();
    iam.destroy();
    secretsManager.destroy();
  });

  it('befalls so many calls, of that action, and no others', async () => {
    inject({ times: 2 });
    await account.iam.send(new ListUsersCommand({}));
    expect(await refusalOf(createUser('Bob'))).toEqual(ON_DEMAND);
    expect(await refusalOf(createUser('Bob'))).toEqual(ON_DEMAND);
    await createUser('Bob');
  });

  it('befalls only the kind of caller that it is for', async () => {
    await createUser('Bob');
    await allow(account.iam, 'Bob', { Effect: 'Allow', Action: '*', Resource: '*' });
    const bob = account.as(await createAccessKey(account.iam, 'Bob'));
    inject({ callerType: 'user' });
    await createUser('by-root');
    expect(await refusalOf(createUser('by-bob', bob))).toEqual(ON_DEMAND);
  });

  it('strikes in the order in which it was injected, does what it shall do then, and can be called off', async () => {
    const strike = vi.fn();
    inject({ answer: new AwsError('Throttling', 'first', 400), strike });
    inject();
    inject({ answer: new AwsError('Throttling', 'never', 400), strike });
    expect((await refusalOf(createUser('Bob'))).message).toBe('first');
    expect(await refusalOf(createUser('Bob'))).toEqual(ON_DEMAND);
    account.localAws.account.faults.clear();
    await createUser('Bob');
    expect(strike).toHaveBeenCalledTimes(1);
  });

  it('does not befall what CloudFormation does', async () => {
    inject();
    await account.localAws.account.invoke('iam', 'CreateUser', { UserName: 'Bob' });
    expect(hasUser('Bob')).toBe(true);
  });

  it('can be mere latency', async () => {
    account.localAws.account.faults.latencyMilliseconds = 120;
    const began = performance.now();
    await account.iam.send(new ListUsersCommand({}));
    expect(performance.now() - began).toBeGreaterThanOrEqual(118);
  });
});

describe('the call log', () => {
  it('tells who called what, when, and how it failed', async () => {
    account.pass(1000);
    await createUser('Bob');
    const bob = account.as(await createAccessKey(account.iam, 'Bob'));
    await refusalOf(bob.iam.send(new ListUsersCommand({})));
    inject({ answer: 'connection reset' });
    await refusalOf(createUser('Eve'));
    await refusalOf(account.iam.send(new GetUserCommand({ UserName: 'Nobody' })));
    await account.localAws.account.invoke('iam', 'DeleteAccessKey', {
      UserName: 'Bob',
      AccessKeyId: [...account.localAws.iam.users.get('Bob').accessKeys.keys()][0],
    });
    const root = `arn:aws:iam::${ACCOUNT_ID}:root`;
    const at = { time: NOON + 1000, answered: NOON + 1000 };
    expect(account.localAws.account.calls.since(NOON + 1000)).toEqual([
      { ...at, action: 'iam:CreateUser', caller: root, source: 'http' },
      { ...at, action: 'iam:CreateAccessKey', caller: root, source: 'http' },
      {
        ...at,
        action: 'iam:ListUsers',
        caller: `arn:aws:iam::${ACCOUNT_ID}:user/Bob`,
        source: 'http',
        error: 'AccessDenied',
      },
      { ...at, action: 'iam:CreateUser', caller: root, source: 'http', error: 'ConnectionReset' },
      { ...at, action: 'iam:GetUser', caller: root, source: 'http', error: 'NoSuchEntity' },
      { ...at, action: 'iam:DeleteAccessKey', caller: root, source: 'cloudformation' },
    ]);
  });

  it('holds no secret', async () => {
    const input = { Name: 'seed', SecretString: 'JBSWY3DPEHPK3PXP' };
    await account.secretsManager.send(new CreateSecretCommand(input));
    expect(JSON.stringify(account.localAws.account.calls.since())).not.toContain('JBSWY3DPEHPK3PXP');
  });
});

describe('what the account does not have fails loudly, with its name', () => {
  it('an action', async () => {
    expect(await refusalOf(account.iam.send(new ListGroupsForUserCommand({ UserName: 'Bob' })))).toMatchObject({
      code: 'NotImplemented',
      message: 'local-aws does not implement iam:ListGroupsForUser',
    });
    expect(await refusalOf(account.sts.send(new GetFederationTokenCommand({ Name: 'Bob' })))).toMatchObject({
      message: 'local-aws does not implement sts:GetFederationToken',
    });
    const regions = { SecretId: 'seed', RemoveReplicaRegions: ['eu-west-1'] };
    const removal = account.secretsManager.send(new RemoveRegionsFromReplicationCommand(regions));
    expect(await refusalOf(removal)).toMatchObject({
      message: 'local-aws does not implement secretsmanager:RemoveRegionsFromReplication',
    });
    const inherited = await post(signed('iam'), 'Action=toString&Version=2010-05-08');
    expect(await inherited.text()).toContain('local-aws does not implement iam:toString');
  });

  it('a parameter', async () => {
    await createUser('Bob');
    const rename = new UpdateUserCommand({ UserName: 'Bob', NewUserName: 'Eve' });
    expect(await refusalOf(account.iam.send(rename))).toMatchObject({
      code: 'NotImplemented',
      message: 'local-aws does not implement the parameter NewUserName',
    });
    expect(hasUser('Eve')).toBe(false);
  });

  it.each([
    ['dynamodb', { 'x-amz-target': 'DynamoDB_20120810.GetItem' }],
    ['sns', {}],
  ])('a service: %s', async (service, headers) => {
    const response = await post({ ...signed(service), ...headers }, '{}');
    expect(response.ok).toBe(false);
    expect(await response.text()).toContain(`local-aws does not implement the service ${service}`);
  });

  it('and so does a request that is not signed, or is none', async () => {
    const unsigned = await post({}, 'Action=ListUsers');
    expect(unsigned.status).toBe(403);
    expect(await unsigned.text()).toContain('not signed with AWS Signature Version 4');
    const noJson = await post({ ...signed('secretsmanager'), 'x-amz-target': 'secretsmanager.ListSecrets' }, '{');
    expect(noJson.status).toBe(400);
    expect(await noJson.json()).toMatchObject({ __type: 'SerializationException' });
    const noAction = await post(signed('iam'), 'Version=2010-05-08');
    expect(noAction.status).toBe(400);
    expect(await noAction.text()).toContain('<Code>MissingAction</Code>');
  });
});

describe('an answer', () => {
  it("carries a request id, and the account's own time", async () => {
    account.pass(86_400_000);
    const response = await post(signed('iam'), 'Action=ListUsers&Version=2010-05-08');
    expect(response.status).toBe(200);
    expect(response.headers.get('date')).toBe(new Date(NOON + 86_400_000).toUTCString());
    const requestId = response.headers.get('x-amzn-requestid');
    expect(requestId).toMatch(/^[\da-f-]{36}$/);
    const body = await response.text();
    expect(body).toContain(`<RequestId>${requestId ?? ''}</RequestId>`);
    expect(body).toContain('<ListUsersResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">');
  });

  it('to an action without a result has metadata alone', async () => {
    await createUser('Bob');
    const { $metadata, ...rest } = await account.iam.send(new DeleteUserCommand({ UserName: 'Bob' }));
    expect($metadata.httpStatusCode).toBe(200);
    expect(rest).toEqual({});
  });
});

describe('S3', () => {
  const bucket = () => `${account.localAws.url}/cdk-hnb659fds-assets-${ACCOUNT_ID}-us-east-1`;
  const request = (path: string, init: RequestInit = {}) =>
    fetch(`${bucket()}/${path}`, {
      ...init,
      headers: { ...signed('s3'), ...(init.headers as Record<string, string>) },
    });
  const chunk = (data: string | Buffer, extension = '') => [
    Buffer.from(`${Buffer.byteLength(data).toString(16)}${extension}\r\n`),
    Buffer.from(data),
    Buffer.from('\r\n'),
  ];
  const etag = (data: string | Buffer) => `"${createHash('md5').update(data).digest('hex')}"`;

  it('gives back the bytes that were put', async () => {
    const bytes = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256));
    const put = await request('assets/a%20b.zip', { method: 'PUT', body: bytes });
    expect(put.headers.get('etag')).toBe(etag(bytes));
    const got = await request('assets/a%20b.zip');
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
    const head = await request('assets/a%20b.zip', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '512']);
  });

  it.each([
    ['unsigned, with a trailer', '', '0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'],
    ['signed', ';chunk-signature=abc', '0;chunk-signature=def\r\n\r\n'],
  ])('takes the chunks of a streamed upload apart: %s', async (_case, extension, end) => {
    const [first, second] = [Buffer.from('0\r\n\r\nlooks like an end'), Buffer.alloc(70_000, 7)];
    const body = Buffer.concat([...chunk(first, extension), ...chunk(second, extension), Buffer.from(end)]);
    const headers = { 'content-encoding': 'aws-chunked' };
    const put = await request('streamed', { method: 'PUT', body, headers });
    expect(put.headers.get('etag')).toBe(etag(Buffer.concat([first, second])));
    const got = Buffer.from(await (await request('streamed')).arrayBuffer());
    expect(got.equals(Buffer.concat([first, second]))).toBe(true);
  });

  it('takes an upload of nothing', async () => {
    const headers = { 'content-encoding': 'aws-chunked' };
    await request('empty', { method: 'PUT', body: Buffer.from('0\r\n\r\n'), headers });
    expect(await (await request('empty')).text()).toBe('');
  });

  it('lists by prefix', async () => {
    for (const key of ['a/1', 'a/2', 'b/1']) await request(key, { method: 'PUT', body: key });
    const listed = await (await request('?list-type=2&prefix=a%2F')).text();
    expect(listed.match(/<Key>[^<]*<\/Key>/g)).toEqual(['<Key>a/1</Key>', '<Key>a/2</Key>']);
  });

  it('knows no other bucket, no absent object, and no method that it does not have', async () => {
    const absent = await request('absent');
    expect([absent.status, await absent.text()]).toEqual([404, expect.stringContaining('<Code>NoSuchKey</Code>')]);
    const elsewhere = await fetch(`${account.localAws.url}/other/key`, { headers: signed('s3') });
    expect([elsewhere.status, await elsewhere.text()]).toEqual([
      404,
      expect.stringContaining('<Code>NoSuchBucket</Code>'),
    ]);
    const deletion = await request('absent', { method: 'DELETE' });
    expect(deletion.ok).toBe(false);
    expect(await deletion.text()).toContain('local-aws does not implement s3 DELETE');
  });
});

describe('Parameter Store', () => {
  it('holds the version of the bootstrap stack that CDK asks for', async () => {
    const headers = { ...signed('ssm'), 'x-amz-target': 'AmazonSSM.GetParameter' };
    const get = async (Name: string) => (await post(headers, JSON.stringify({ Name }))).json();
    expect(await get('/cdk-bootstrap/hnb659fds/version')).toMatchObject({
      Parameter: {
        Name: '/cdk-bootstrap/hnb659fds/version',
        Value: expect.stringMatching(/^\d+$/) as string,
        ARN: `arn:aws:ssm:us-east-1:${ACCOUNT_ID}:parameter/cdk-bootstrap/hnb659fds/version`,
      },
    });
    expect(await get('/absent')).toMatchObject({ __type: 'ParameterNotFound' });
  });
});

describe('the server', () => {
  const reaches = (host: string) =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ host, port: Number(new URL(account.localAws.url).port), timeout: 2000 });
      const answer = (reached: boolean) => {
        socket.destroy();
        resolve(reached);
      };
      socket.once('connect', () => answer(true));
      socket.once('timeout', () => answer(false));
      socket.once('error', () => answer(false));
    });

  it('listens on 127.0.0.1 and on no other address of the machine', async () => {
    expect(account.localAws.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await reaches('127.0.0.1')).toBe(true);
    const others = Object.values(networkInterfaces())
      .flatMap((addresses = []) => addresses.map(({ address }) => address))
      .filter((address) => address !== '127.0.0.1' && !address.startsWith('fe80:'));
    for (const address of [...others, '::1', '127.0.0.2'])
      expect([address, await reaches(address)]).toEqual([address, false]);
  });

  it('takes the port that it is given, and says so where it is taken', async () => {
    const port = Number(new URL(account.localAws.url).port);
    await expect(startStrictAccount({ port })).rejects.toThrow('EADDRINUSE');
  });

  it('ends at once while clients keep their connections', async () => {
    const other = await startStrictAccount();
    await other.iam.send(new ListUsersCommand({}));
    const began = performance.now();
    await other.localAws.close();
    expect(performance.now() - began).toBeLessThan(1000);
    await expect(fetch(other.localAws.url)).rejects.toThrow();
    await other.close();
  });
});
