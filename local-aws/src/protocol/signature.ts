import type { IncomingHttpHeaders } from 'node:http';

/** What a request's signature says of it. */
export interface SignatureScope {
  /** As in the name of the service's endpoint: `iam`. */
  readonly service: string;
  readonly accessKeyId: string;
  readonly sessionToken?: string;
}

/**
 * Reads the scope of a signature, `KEY/DATE/REGION/SERVICE/aws4_request`, from the Authorization header or, where the URL is
 * presigned, from the query. Undefined: the request is not signed. The signature itself is not verified: here an access key is
 * random and told to its owner alone, so it proves as much as the secret would.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
export function signatureScopeOf(headers: IncomingHttpHeaders, { searchParams }: URL): SignatureScope | undefined {
  const [, inHeader] = /^AWS4-HMAC-SHA256 .*?Credential=([^\s,]+)/.exec(headers.authorization ?? '') ?? [];
  const scope = inHeader ?? searchParams.get('X-Amz-Credential') ?? '';
  const [, accessKeyId, service] = /^([^/]+)\/[^/]+\/[^/]+\/([^/]+)\/aws4_request$/.exec(scope) ?? [];
  if (accessKeyId === undefined || service === undefined) return undefined;
  const token =
    inHeader === undefined ? searchParams.get('X-Amz-Security-Token') : headers['x-amz-security-token']?.toString();
  return { service, accessKeyId, ...(typeof token === 'string' ? { sessionToken: token } : {}) };
}
