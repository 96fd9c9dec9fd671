import { createHash } from 'node:crypto';
import XMLBuilder from 'fast-xml-builder';
import type { Account } from '../account';
import { authorize } from '../authorization';
import type { Principal } from '../principal';
import { AwsError } from '../protocol/aws-error';
import { type SignatureScope, signatureScopeOf } from '../protocol/signature';
import type { HttpAnswer, HttpRequest, HttpRoute } from '../server';

const xml = new XMLBuilder({ ignoreAttributes: false });
const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** Amazon S3, as far as publishing CDK assets goes: the bucket stands in the path, or before `localhost` in the host. */
export class S3 {
  readonly #buckets = new Map<string, Map<string, Buffer>>();

  constructor(private readonly account: Account) {}

  createBucket(name: string): void {
    this.#buckets.set(name, new Map());
  }

  /** Reads an object, for services that fetch templates and code from S3. */
  readObject(bucket: string, key: string): Buffer {
    const body = this.#bucket(bucket).get(key);
    if (!body) throw new AwsError('NoSuchKey', `The specified key does not exist: s3://${bucket}/${key}`, 404);
    return body;
  }

  /** Takes every request that is signed for s3, by a header or in a presigned URL. */
  readonly route: HttpRoute = (request) => {
    const scope = signatureScopeOf(request.headers, request.url);
    return scope?.service === 's3' ? Promise.resolve(this.#answer(request, scope)) : undefined;
  };

  #answer(request: HttpRequest, scope: SignatureScope): HttpAnswer {
    try {
      return this.#perform(request, this.#callerOf(scope));
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown;
      const body = xml.build({ Error: { Code: thrown.code, Message: thrown.message } });
      return { status: thrown.status, headers: { 'content-type': 'application/xml' }, body };
    }
  }

  /** S3 has an error code of its own for an access key that it does not know. */
  #callerOf({ accessKeyId, sessionToken }: SignatureScope): Principal {
    try {
      return this.account.credentials.principalOf(accessKeyId, sessionToken);
    } catch (thrown) {
      if (!(thrown instanceof AwsError) || thrown.code !== 'InvalidClientTokenId') throw thrown;
      throw new AwsError('InvalidAccessKeyId', thrown.message, 403);
    }
  }

  #perform({ method, url, headers, body }: HttpRequest, caller: Principal): HttpAnswer {
    const { bucketName, key } = placeOf(url, headers.host);
    const bucket = this.#bucket(bucketName);
    const resource = `arn:${this.account.partition}:s3:::${bucketName}${key === '' ? '' : `/${key}`}`;
    if (key === '') {
      authorize(caller, { action: bucketActionOf(url), resource });
      return this.#performOnBucket(method, url, bucketName, bucket);
    }
    authorize(caller, { action: method === 'PUT' ? 's3:PutObject' : 's3:GetObject', resource });
    switch (method) {
      case 'PUT': {
        const object = withoutChunkFraming(body, headers);
        bucket.set(key, object);
        return { status: 200, headers: { etag: entityTag(object) } };
      }
      case 'GET':
      case 'HEAD': {
        const object = this.readObject(bucketName, key);
        return {
          status: 200,
          headers: { etag: entityTag(object), 'content-length': String(object.length) },
          ...(method === 'GET' ? { body: object } : {}),
        };
      }
      default:
        throw new AwsError('NotImplemented', `local-aws does not implement s3 ${method} of an object`, 501);
    }
  }

  #performOnBucket(method: string, { searchParams }: URL, name: string, bucket: Map<string, Buffer>): HttpAnswer {
    const answer = (document: Record<string, unknown>): HttpAnswer => ({
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: xml.build(document),
    });
    if (method === 'HEAD') return { status: 200 };
    if (method === 'GET' && searchParams.has('location')) {
      return answer({ LocationConstraint: { '@_xmlns': NAMESPACE, '#text': this.account.region } });
    }
    if (method === 'GET' && searchParams.has('encryption')) {
      const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: 'AES256' };
      return answer({
        ServerSideEncryptionConfiguration: { '@_xmlns': NAMESPACE, Rule: { ApplyServerSideEncryptionByDefault } },
      });
    }
    if (method === 'GET' && searchParams.get('list-type') === '2') {
      const prefix = searchParams.get('prefix') ?? '';
      const Contents = [...bucket]
        .filter(([key]) => key.startsWith(prefix))
        .slice(0, Number(searchParams.get('max-keys') ?? 1000))
        .map(([Key, object]) => ({ Key, Size: object.length, ETag: entityTag(object) }));
      return answer({
        ListBucketResult: {
          '@_xmlns': NAMESPACE,
          Name: name,
          Prefix: prefix,
          KeyCount: Contents.length,
          IsTruncated: false,
          Contents,
        },
      });
    }
    throw new AwsError('NotImplemented', `local-aws does not implement s3 ${method} ?${searchParams.toString()}`, 501);
  }

  #bucket(name: string): Map<string, Buffer> {
    const bucket = this.#buckets.get(name);
    if (!bucket) throw new AwsError('NoSuchBucket', `The specified bucket does not exist: ${name}`, 404);
    return bucket;
  }
}

/** The bucket and the key that a URL means. */
function placeOf({ pathname }: URL, host = ''): { bucketName: string; key: string } {
  const path = decodeURIComponent(pathname).slice(1);
  const [, hostBucket] = /^(.+)\.localhost(?::\d+)?$/i.exec(host) ?? [];
  if (hostBucket !== undefined) return { bucketName: hostBucket, key: path };
  const [, bucketName = '', key = ''] = /^([^/]*)\/?(.*)$/s.exec(path) ?? [];
  return { bucketName, key };
}

/** The permission that a request to a bucket itself needs. */
function bucketActionOf({ searchParams }: URL): string {
  if (searchParams.has('location')) return 's3:GetBucketLocation';
  if (searchParams.has('encryption')) return 's3:GetEncryptionConfiguration';
  return 's3:ListBucket';
}

function entityTag(object: Buffer): string {
  return `"${createHash('md5').update(object).digest('hex')}"`;
}

/**
 * The SDK streams uploads in the aws-chunked encoding, with a checksum as trailer: `<hex size>\r\n<bytes>\r\n…0\r\n<trailers>`.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
function withoutChunkFraming(body: Buffer, headers: HttpRequest['headers']): Buffer {
  if (!String(headers['content-encoding']).includes('aws-chunked')) return body;
  const chunks: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const lineEnd = body.indexOf('\r\n', offset);
    const size = parseInt(body.toString('latin1', offset, lineEnd), 16);
    if (!(size > 0)) return Buffer.concat(chunks);
    chunks.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    offset = lineEnd + 2 + size + 2;
  }
}
