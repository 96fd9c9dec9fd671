import type { IAMClientConfig } from '@aws-sdk/client-iam';
import { buildQueryString, type HttpHandler, HttpResponse } from '@smithy/core/protocols';
import { ConnectionReset, type LocalAws } from 'local-aws';

/**
 * Hands an SDK client's requests to an account in this process, as they would go over the wire. Without sockets a call costs less, and
 * none of a socket's real timers runs out on a busy machine while a virtual clock stands still.
 */
export function inProcessRequests({ handle }: LocalAws): HttpHandler {
  return {
    handle: async ({ method, protocol, hostname, port, path, query, headers, body: sent }) => {
      const search = buildQueryString(query);
      const url = new URL(`${protocol}//${hostname}:${port}${path}${search && `?${search}`}`);
      try {
        const body = bytesOf(sent as string | Uint8Array | undefined);
        const answer = await handle({ method, url, headers: inLowerCase(headers), body });
        return {
          response: new HttpResponse({
            statusCode: answer.status,
            headers: { ...answer.headers },
            body: Buffer.from(answer.body ?? ''),
          }),
        };
      } catch (error) {
        if (!(error instanceof ConnectionReset)) throw error;
        // As the SDK's own handler puts what Node says of a broken connection.
        throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' });
      }
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

type Signer = Extract<IAMClientConfig['signer'], { readonly sign: unknown }>;
type Credentials = ReturnType<LocalAws['account']['credentials']['issueSession']>;

/** Signs with the scope alone: local-aws reads there who calls which service, and verifies no signature, which takes long to compute. */
export function scopeSigner(service: string, { accessKeyId, sessionToken }: Credentials): Signer {
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260115/us-east-1/${service}/aws4_request`;
  return {
    sign: async (request) => {
      const token = sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken };
      Object.assign(request.headers, { authorization, ...token });
      return request;
    },
  };
}

function bytesOf(body: string | Uint8Array | undefined): Buffer {
  if (!(body instanceof Uint8Array)) return Buffer.from(body ?? '');
  // Not of the object itself: the SDK has bytes that complain when they are taken for text, as Buffer tries to.
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

function inLowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
