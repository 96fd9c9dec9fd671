import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Account } from './account';
import { ConnectionReset } from './faults';
import { AwsError } from './protocol/aws-error';
import { jsonErrorOf, readJson, renderJsonError, renderJsonResult } from './protocol/json';
import { readQuery, renderQueryError, renderQueryResult } from './protocol/query';
import { signatureScopeOf } from './protocol/signature';
import type { RpcService } from './service';

/** A whole HTTP request. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** An HTTP answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** What rendering an answer takes to know of its service. */
type Wire = Pick<RpcService, 'protocol' | 'namespace'>;

/** Serves what is not an RPC action: S3's objects, the Lambda runtime's loop. Undefined: not its request. */
export type HttpRoute = (request: HttpRequest) => Promise<HttpAnswer> | undefined;

/** The names of this machine itself; a bucket may stand before `localhost`. A browser resolves none of them elsewhere. */
const LOOPBACK_HOST = /^(?:127\.0\.0\.1|\[::1\]|(?:[a-z0-9.-]+\.)?localhost)(?::\d{1,5})?$/i;

/** Lambda takes 250 MB of code. */
const MAXIMUM_OBJECT_BYTES = 256 * 1024 * 1024;
/** The largest other request is what a function answers: 6 MB. */
const MAXIMUM_REQUEST_BYTES = 8 * 1024 * 1024;

/** A listening server and its address. */
export interface LoopbackServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

/** Answers a request. It rejects with {@link ConnectionReset} where a fault breaks the connection. */
export type RequestHandler = (request: HttpRequest) => Promise<HttpAnswer>;

/** The account's answer to each request. Requests that no route takes are RPC actions of the service that they are signed for. */
export function requestHandler(account: Account, routes: readonly HttpRoute[]): RequestHandler {
  return async (request) => {
    const { headers, ...answer } = await dispatch(account, routes, request);
    return { ...answer, headers: { date: new Date(account.now()).toUTCString(), ...headers } };
  };
}

/** Serves requests on 127.0.0.1. */
export async function serve(handle: RequestHandler, port: number): Promise<LoopbackServer> {
  const server = createServer((incoming, response) => {
    void answer(handle, incoming, response);
  });
  // Clients keep their connections; none of them may hold the server open once it shall end.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', listening);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => close(server),
  };
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

async function answer(handle: RequestHandler, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', headers: requestHeaders } = incoming;
  try {
    const refusal = refusalOf(requestHeaders);
    if (refusal !== undefined) throw new AwsError('AccessDenied', refusal, 403);
    const request = { method, url: urlOf(incoming), headers: requestHeaders };
    const { status, headers, body } = await handle({ ...request, body: await read(incoming, maximumBytes(request)) });
    response.writeHead(status, headers).end(body);
  } catch (thrown) {
    if (thrown instanceof AwsError) {
      const { status, headers, body } = errorAnswer(wireOf(incoming), randomUUID(), thrown, thrown.status);
      // What is left of the body is not read.
      response.writeHead(status, { ...headers, connection: 'close' }).end(body);
      return;
    }
    if (!(thrown instanceof ConnectionReset)) {
      process.stderr.write(`local-aws: ${(thrown as Error).stack ?? String(thrown)}\n`);
    }
    incoming.socket.destroy();
  }
}

/** Not relative to a base: a path may begin with two slashes, which would be another host. */
function urlOf({ url = '/' }: IncomingMessage): URL {
  const text = `http://127.0.0.1${url}`;
  if (!url.startsWith('/') || !URL.canParse(text)) {
    throw new AwsError('InvalidURI', "Couldn't parse the specified URI.", 400);
  }
  return new URL(text);
}

/**
 * Why a request that reached the port is not served. Web pages reach it too: directly, and under a name of their own that
 * resolves to 127.0.0.1.
 */
function refusalOf({ host = '', origin }: HttpRequest['headers']): string | undefined {
  if (origin !== undefined) {
    return 'local-aws serves no web page: the request has an Origin header. Call it from an SDK, the AWS CLI or CDK.';
  }
  if (LOOPBACK_HOST.test(host)) return undefined;
  return 'local-aws serves loopback only: the Host header must be 127.0.0.1, localhost or [::1]. Use the URL that it printed at its start.';
}

function maximumBytes({ headers, url }: Pick<HttpRequest, 'headers' | 'url'>): number {
  return signatureScopeOf(headers, url)?.service === 's3' ? MAXIMUM_OBJECT_BYTES : MAXIMUM_REQUEST_BYTES;
}

async function read(incoming: IncomingMessage, maximum: number): Promise<Buffer> {
  const tooLarge = new AwsError('RequestEntityTooLarge', `The request's body has more than ${maximum} bytes.`, 413);
  if (Number(incoming.headers['content-length']) > maximum) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length;
    if (bytes > maximum) throw tooLarge;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

async function dispatch(account: Account, routes: readonly HttpRoute[], request: HttpRequest): Promise<HttpAnswer> {
  for (const route of routes) {
    const answered = route(request);
    if (answered) return answered;
  }
  return answerAction(account, request);
}

async function answerAction(account: Account, request: HttpRequest): Promise<HttpAnswer> {
  const requestId = randomUUID();
  let wire = wireOf(request);
  if (account.faults.latencyMilliseconds > 0) await delay(account.faults.latencyMilliseconds);
  try {
    const scope = signatureScopeOf(request.headers, request.url);
    if (!scope) {
      throw new AwsError(
        'MissingAuthenticationToken',
        `${request.method} ${request.url.pathname} is not signed with AWS Signature Version 4`,
        403,
      );
    }
    const service = account.service(scope.service);
    wire = service;
    const caller = account.credentials.principalOf(scope.accessKeyId, scope.sessionToken);
    const { action, input } = readAction(service, request);
    const output = await account.request(service, action, input, caller);
    const body =
      service.protocol === 'query'
        ? renderQueryResult(service.namespace, action, requestId, output)
        : renderJsonResult(output);
    return { status: 200, headers: headersFor(wire, requestId), body };
  } catch (thrown) {
    if (thrown instanceof ConnectionReset) throw thrown;
    return errorAnswer(wire, requestId, asAwsError(thrown));
  }
}

/** Until its service is known, a request tells its protocol by whether it has a target. */
function wireOf({ headers }: Pick<HttpRequest, 'headers'>): Wire {
  return { protocol: headers['x-amz-target'] === undefined ? 'query' : 'json', namespace: '' };
}

function errorAnswer(wire: Wire, requestId: string, thrown: AwsError, status?: number): HttpAnswer {
  const error = wire.protocol === 'json' ? jsonErrorOf(thrown) : thrown;
  const body = wire.protocol === 'query' ? renderQueryError(wire.namespace, requestId, error) : renderJsonError(error);
  return { status: status ?? error.status, headers: headersFor(wire, requestId), body };
}

function readAction(
  service: RpcService,
  { headers, body }: HttpRequest,
): { action: string; input: Record<string, unknown> } {
  if (service.protocol === 'query') return readQuery(body.toString('utf8'));
  return readJson(String(headers['x-amz-target']), body.toString('utf8'));
}

function headersFor({ protocol }: Wire, requestId: string): Record<string, string> {
  return {
    'content-type': protocol === 'query' ? 'text/xml' : 'application/x-amz-json-1.1',
    'x-amzn-requestid': requestId,
  };
}

function asAwsError(thrown: unknown): AwsError {
  if (thrown instanceof AwsError) return thrown;
  process.stderr.write(`local-aws: ${(thrown as Error).stack ?? String(thrown)}\n`);
  return new AwsError('InternalFailure', `local-aws failed: ${String(thrown)}`, 500);
}
