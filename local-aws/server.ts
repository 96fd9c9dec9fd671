import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Account } from './account';
import { ConnectionReset } from './faults';
import type { Principal } from './principal';
import { AwsError } from './protocol/aws-error';
import { jsonErrorOf, readJson, renderJsonError, renderJsonResult } from './protocol/json';
import { readQuery, renderQueryError, renderQueryResult } from './protocol/query';
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

/** A listening server and its address. */
export interface LoopbackServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the account on 127.0.0.1. Requests that no route takes are RPC actions of the service that they are signed for. */
export async function serve(account: Account, routes: readonly HttpRoute[], port: number): Promise<LoopbackServer> {
  const server = createServer((incoming, response) => {
    void answer(account, routes, incoming, response);
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

async function answer(
  account: Account,
  routes: readonly HttpRoute[],
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const request = await read(incoming);
    const { status, headers, body } = await dispatch(account, routes, request);
    response.writeHead(status, { date: new Date(account.now()).toUTCString(), ...headers }).end(body);
  } catch (thrown) {
    if (!(thrown instanceof ConnectionReset)) {
      process.stderr.write(`local-aws: ${(thrown as Error).stack ?? String(thrown)}\n`);
    }
    incoming.socket.destroy();
  }
}

async function read(incoming: IncomingMessage): Promise<HttpRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    method: incoming.method ?? 'GET',
    url: new URL(incoming.url ?? '/', 'http://127.0.0.1'),
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  };
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
  // Known once the service is; until then a request tells its protocol by whether it has a target.
  let wire: Wire = { protocol: request.headers['x-amz-target'] === undefined ? 'query' : 'json', namespace: '' };
  if (account.faults.latencyMilliseconds > 0) await delay(account.faults.latencyMilliseconds);
  try {
    const { name, accessKeyId } = credentialScopeOf(request);
    const service = account.service(name);
    wire = service;
    const caller = callerOf(account, request, accessKeyId);
    const { action, input } = readAction(service, request);
    const output = await account.request(service, action, input, caller);
    const body =
      service.protocol === 'query'
        ? renderQueryResult(service.namespace, action, requestId, output)
        : renderJsonResult(output);
    return { status: 200, headers: headersFor(wire, requestId), body };
  } catch (thrown) {
    if (thrown instanceof ConnectionReset) throw thrown;
    const error = wire.protocol === 'json' ? jsonErrorOf(asAwsError(thrown)) : asAwsError(thrown);
    const body =
      wire.protocol === 'query' ? renderQueryError(wire.namespace, requestId, error) : renderJsonError(error);
    return { status: error.status, headers: headersFor(wire, requestId), body };
  }
}

/** What a signature says of the request: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`. */
function credentialScopeOf({ headers, url, method }: HttpRequest): { name: string; accessKeyId: string } {
  const [, accessKeyId, name] =
    /Credential=([^/,]+)\/[^/]+\/[^/]+\/([^/]+)\/aws4_request/.exec(headers.authorization ?? '') ?? [];
  if (accessKeyId === undefined || name === undefined) {
    throw new AwsError(
      'MissingAuthenticationToken',
      `${method} ${url.pathname} is not signed with AWS Signature Version 4`,
      403,
    );
  }
  return { name, accessKeyId };
}

/** Finds who signed a request. The secret key is not verified: on loopback it would prove nothing. */
function callerOf(account: Account, { headers }: HttpRequest, accessKeyId: string): Principal {
  const sessionToken = headers['x-amz-security-token'];
  return account.credentials.principalOf(accessKeyId, Array.isArray(sessionToken) ? sessionToken[0] : sessionToken);
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
