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

function bytesOf(body: string | Uint8Array | undefined): Buffer {
  if (!(body instanceof Uint8Array)) return Buffer.from(body ?? '');
  // Not of the object itself: the SDK has bytes that complain when they are taken for text, as Buffer tries to.
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

function inLowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
