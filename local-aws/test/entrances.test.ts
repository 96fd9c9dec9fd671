import { CreateUserCommand } from '@aws-sdk/client-iam';
import AdmZip from 'adm-zip';
import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allow, createAccessKey, type SigningCredentials } from './callers';
import { ACCOUNT_ID, startStrictAccount, type StrictAccount } from './strict-account';

const BUCKET = `cdk-hnb659fds-assets-${ACCOUNT_ID}-us-east-1`;
const FOREIGN_KEY = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' };

let account: StrictAccount;

beforeEach(async () => {
  account = await startStrictAccount();
});

afterEach(() => account.close());

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** Sends a request as it is: fetch would not let a test choose the Host header. */
async function send({ method = 'POST', path = '/', headers = {}, body = '' }: Sent) {
  const { port } = new URL(account.localAws.url);
  const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response) };
}

const scope = (service: string, { accessKeyId }: SigningCredentials) =>
  `${accessKeyId}/20260115/us-east-1/${service}/aws4_request`;
const signed = (service: string, credentials: SigningCredentials = account.localAws.credentials) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=${scope(service, credentials)}, SignedHeaders=host, Signature=0`,
  ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
});
const presigned = (key: string, credentials: SigningCredentials) =>
  `/${BUCKET}/${key}?${new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': scope('s3', credentials),
    ...(credentials.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': credentials.sessionToken }),
    'X-Amz-Signature': '0',
  }).toString()}`;
const putObject = (key: string, body: string | Buffer, headers: Record<string, string> = signed('s3')) =>
  send({ method: 'PUT', path: `/${BUCKET}/${key}`, headers, body });
const storedObject = async (key: string) =>
  (await send({ method: 'GET', path: `/${BUCKET}/${key}`, headers: signed('s3') })).body;

describe('the Host header', () => {
  const callerIdentity = (host: string) =>
    send({ headers: { ...signed('sts'), host }, body: 'Action=GetCallerIdentity&Version=2011-06-15' });

  it.each(['127.0.0.1:4566', '127.0.0.1', 'localhost:4566', 'LOCALHOST', '[::1]:4566', 'bucket.localhost:4566'])(
    'may be %s',
    async (host) => {
      expect((await callerIdentity(host)).status).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'evil.example:4566',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '127.0.0.1@evil.example',
    'evil.example#.localhost',
    '10.0.0.1:4566',
    '0.0.0.0',
    '[::2]',
  ])('may not be "%s", which a web page could choose', async (host) => {
    const { status, body } = await callerIdentity(host);
    expect(status).toBe(403);
    expect(body).toContain('the Host header must be 127.0.0.1, localhost or [::1]');
  });

  it.each(['host', 'origin'])('and Origin are looked at for every entrance (%s)', async (header) => {
    const headers = { [header]: 'evil.example' };
    const entrances: Sent[] = [
      { headers: { ...signed('secretsmanager'), 'x-amz-target': 'secretsmanager.ListSecrets' }, body: '{}' },
      { method: 'PUT', path: `/${BUCKET}/asset.zip`, headers: signed('s3'), body: 'replaced' },
      { method: 'GET', path: '/lambda-runtime/any/2018-06-01/runtime/invocation/next' },
      { method: 'PUT', path: '/cloudformation-custom-resource-response/any' },
      { method: 'OPTIONS' },
    ];
    for (const entrance of entrances) {
      const { status, body } = await send({ ...entrance, headers: { ...entrance.headers, ...headers } });
      expect([status, body]).toEqual([403, expect.stringContaining('local-aws serves ') as string]);
    }
    expect(await storedObject('asset.zip')).toContain('NoSuchKey');
  });
});

describe('a request with an Origin header', () => {
  it.each(['https://evil.example', 'http://127.0.0.1:4566', 'http://localhost', 'null'])(
    'is refused, whatever the origin (%s)',
    async (origin) => {
      const { status, body } = await send({
        headers: { ...signed('iam'), origin },
        body: 'Action=CreateUser&Version=2010-05-08&UserName=Eve',
      });
      expect(status).toBe(403);
      expect(body).toContain('serves no web page');
      expect(account.localAws.iam.users.find('Eve')).toBeUndefined();
    },
  );
});

describe('a body', () => {
  /** Sends headers and the beginning of a body that never ends. */
  async function begin(headers: Record<string, string>, begun: string | Buffer = '') {
    const { port } = new URL(account.localAws.url);
    const sent = httpRequest({ host: '127.0.0.1', port, method: 'POST', headers });
    sent.on('error', () => undefined);
    sent.flushHeaders();
    if (begun.length > 0) sent.write(begun);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const answered = { status: response.statusCode, body: await text(response) };
    sent.destroy();
    return answered;
  }

  it.each([
    [{ host: 'evil.example' }, 403, 'serves loopback only'],
    [{ origin: 'null' }, 403, 'serves no web page'],
    [{ 'content-length': String(9 * 1024 * 1024) }, 413, 'RequestEntityTooLarge'],
    [{ 'content-length': String(9 * 1024 * 1024), 'x-amz-target': 'secretsmanager.ListSecrets' }, 413, 'TooLarge'],
  ])('is not waited for where the headers say enough: %j', async (headers: Record<string, string>, status, words) => {
    expect(await begin({ ...signed('iam'), ...headers })).toEqual({
      status,
      body: expect.stringContaining(words) as string,
    });
  });

  it('is read no further than a request may be long, whatever its headers say', async () => {
    expect(await begin(signed('iam'), Buffer.alloc(9 * 1024 * 1024, 'a'))).toMatchObject({ status: 413 });
  });

  it('may be as long as a function is, where it goes to S3', async () => {
    const code = Buffer.alloc(9 * 1024 * 1024, 'a');
    expect((await putObject('large', code)).status).toBe(200);
    expect(await storedObject('large')).toHaveLength(code.length);
  });
});

describe('S3', () => {
  const session = (seconds: number) => {
    const { account: inside } = account.localAws;
    return inside.credentials.issueSession(inside.root, seconds);
  };

  it.each([
    ['without a signature', () => ({}), 'MissingAuthenticationToken'],
    ['that only claims to be signed for s3', () => ({ authorization: 'x/s3/aws4_request' }), 'MissingAuthentication'],
    ['signed with a key that the account did not issue', () => signed('s3', FOREIGN_KEY), 'InvalidAccessKeyId'],
    [
      'signed with a temporary key whose session token is missing',
      () => {
        const { accessKeyId, secretAccessKey } = session(900);
        return signed('s3', { accessKeyId, secretAccessKey });
      },
      'InvalidAccessKeyId',
    ],
  ])('takes no request %s', async (_case, headers, code) => {
    await putObject('asset', 'published');
    const attack = await putObject('asset', 'replaced', headers());
    expect([attack.status, attack.body]).toEqual([403, expect.stringContaining(code) as string]);
    const reading = await send({ method: 'GET', path: `/${BUCKET}/asset`, headers: headers() });
    expect(reading.status).toBe(403);
    expect(await storedObject('asset')).toBe('published');
  });

  it('takes no session that has expired', async () => {
    const expired = session(900);
    account.pass(900_000);
    expect(await putObject('asset', 'replaced', signed('s3', expired))).toMatchObject({
      status: 403,
      body: expect.stringContaining('ExpiredToken') as string,
    });
  });

  it('takes presigned URLs, of keys that the account issued only', async () => {
    const url = presigned('asset', session(900));
    expect((await send({ method: 'PUT', path: url, body: 'published' })).status).toBe(200);
    expect(await send({ method: 'GET', path: url })).toEqual({ status: 200, body: 'published' });
    const forged = presigned('asset', FOREIGN_KEY);
    expect((await send({ method: 'PUT', path: forged, body: 'replaced' })).status).toBe(403);
    expect(await storedObject('asset')).toBe('published');
  });

  it('finds the bucket before localhost, where clients put it', async () => {
    const headers = { ...signed('s3'), host: `${BUCKET}.localhost:4566` };
    expect((await send({ method: 'PUT', path: '/assets/a.zip', headers, body: 'published' })).status).toBe(200);
    expect(await storedObject('assets/a.zip')).toBe('published');
  });

  it('serves users what their policies allow', async () => {
    await account.iam.send(new CreateUserCommand({ UserName: 'Bob' }));
    const bob = await createAccessKey(account.iam, 'Bob');
    const Resource = `arn:aws:s3:::${BUCKET}/*`;
    await putObject('asset', 'published');
    await allow(account.iam, 'Bob', { Effect: 'Allow', Action: 's3:GetObject', Resource });
    expect(await send({ method: 'GET', path: `/${BUCKET}/asset`, headers: signed('s3', bob) })).toMatchObject({
      status: 200,
    });
    expect(await putObject('asset', 'replaced', signed('s3', bob))).toMatchObject({
      status: 403,
      body: expect.stringContaining('is not authorized to perform: s3:PutObject') as string,
    });
    expect(await send({ method: 'GET', path: `/${BUCKET}?list-type=2`, headers: signed('s3', bob) })).toMatchObject({
      status: 403,
      body: expect.stringContaining('s3:ListBucket') as string,
    });
    expect(await storedObject('asset')).toBe('published');
  });

  it('gives nobody the means to replace the code of a function between its upload and its start', async () => {
    const zip = (said: string) => {
      const archive = new AdmZip();
      archive.addFile('index.js', Buffer.from(`exports.handler = async () => '${said}';`));
      return archive.toBuffer();
    };
    await putObject('code.zip', zip('published'));
    for (const headers of [{}, signed('s3', FOREIGN_KEY), { ...signed('s3'), origin: 'null' }]) {
      expect((await putObject('code.zip', zip('replaced'), headers)).status).toBe(403);
    }
    const { account: inside, lambda } = account.localAws;
    await inside.invoke('iam', 'CreateRole', {
      RoleName: 'function',
      AssumeRolePolicyDocument: JSON.stringify({ Statement: [] }),
    });
    const configuration = { FunctionName: 'fn', Runtime: 'nodejs24.x', Handler: 'index.handler' };
    const Role = `arn:aws:iam::${ACCOUNT_ID}:role/function`;
    await lambda.createFunction({ ...configuration, Role }, { bucket: BUCKET, key: 'code.zip' });
    expect(await lambda.invoke('fn', {})).toEqual({ kind: 'returned', payload: 'published' });
  });
});

describe('the entrances without a signature', () => {
  it.each([
    ['/lambda-runtime/00000000-0000-4000-8000-000000000000/2018-06-01/runtime/invocation/next', 'GET', 410],
    ['/cloudformation-custom-resource-response/guessed', 'PUT', 403],
  ])('serve only who knows their random path: %s', async (path, method, status) => {
    expect((await send({ path, method })).status).toBe(status);
  });
});

describe('a path', () => {
  it.each(['//', '//evil.example/', '/\\\\evil.example', 'http://[', '*', '/2015-03-31/functions/%ZZ/invocations'])(
    'that is %j is refused without an end of the server, be the request signed or not',
    async (path) => {
      const unsigned = await send({ path });
      const foreign = await send({ path, headers: { host: 'evil.example', origin: 'http://evil.example' } });
      const forged = await send({ path, headers: signed('lambda', FOREIGN_KEY) });
      const own = await send({ path, headers: signed('lambda') });

      expect([unsigned, foreign, forged].map(({ status = 0 }) => Math.floor(status / 100))).toEqual([4, 4, 4]);
      expect(foreign.status).toBe(403);
      expect(own.status).toBeGreaterThanOrEqual(400);
      expect((await send({ headers: signed('sts'), body: 'Action=GetCallerIdentity&Version=2011-06-15' })).status).toBe(
        200,
      );
    },
  );
});

describe('Invoke of Lambda', () => {
  const path = '/2015-03-31/functions/none/invocations';

  it('needs an access key of local-aws, signed for Lambda', async () => {
    expect((await send({ path })).status).toBe(403);
    expect((await send({ path, headers: signed('lambda', FOREIGN_KEY) })).status).toBe(403);
    expect((await send({ path, headers: signed('sts') })).status).toBe(403);
    expect((await send({ path, headers: signed('lambda') })).status).toBe(404);
  });
});
