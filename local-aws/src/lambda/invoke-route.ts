import { randomUUID } from 'node:crypto';
import type { Account } from '../account';
import { authorize } from '../authorization';
import { AwsError, notImplemented } from '../protocol/aws-error';
import { jsonErrorOf } from '../protocol/json';
import { signatureScopeOf } from '../protocol/signature';
import type { HttpAnswer, HttpRequest, HttpRoute } from '../server';
import type { LambdaService } from './lambda-service';

const INVOCATIONS = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

/**
 * Serves Lambda's Invoke, which waits for the answer; no other of its actions.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export function invokeRoute(account: Account, lambda: Pick<LambdaService, 'invoke'>): HttpRoute {
  return (request) => {
    const [, name] = INVOCATIONS.exec(request.url.pathname) ?? [];
    return name === undefined ? undefined : answer(account, lambda, request, name);
  };
}

async function answer(
  account: Account,
  lambda: Pick<LambdaService, 'invoke'>,
  request: HttpRequest,
  name: string,
): Promise<HttpAnswer> {
  try {
    const caller = callerOf(account, request);
    const arn = functionArnOf(account, decoded(name), request.url.searchParams.get('Qualifier'));
    authorize(caller, { action: 'lambda:InvokeFunction', resource: arn });
    const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
    if (type !== 'RequestResponse') throw notImplemented(`the invocation type ${String(type)}`);
    const outcome = await lambda.invoke(arn, eventIn(request.body));
    const headers = { 'x-amzn-requestid': randomUUID(), 'x-amz-executed-version': '$LATEST' };
    if (outcome.kind === 'returned') return { status: 200, headers, body: JSON.stringify(outcome.payload) };
    const { errorType, errorMessage } = outcome;
    const body = JSON.stringify({ errorType, errorMessage });
    return { status: 200, headers: { ...headers, 'x-amz-function-error': 'Unhandled' }, body };
  } catch (thrown) {
    if (!(thrown instanceof AwsError)) throw thrown;
    const { code, message } = jsonErrorOf(thrown);
    const headers = { 'content-type': 'application/json', 'x-amzn-errortype': code };
    return { status: thrown.status, headers, body: JSON.stringify({ Type: 'User', Message: message, message }) };
  }
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw new AwsError('InvalidParameterValueException', 'The name of the function is not URL-encoded.');
  }
}

function functionArnOf(account: Account, name: string, qualifier: string | null): string {
  const arn = name.startsWith('arn:') ? name : account.arn('lambda', `function:${name}`);
  return qualifier === null ? arn : `${arn}:${qualifier}`;
}

function callerOf(account: Account, { headers, url }: HttpRequest) {
  const scope = signatureScopeOf(headers, url);
  if (scope?.service !== 'lambda')
    throw new AwsError('MissingAuthenticationToken', 'Missing Authentication Token', 403);
  return account.credentials.principalOf(scope.accessKeyId, scope.sessionToken);
}

function eventIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8') || '{}');
  } catch {
    throw new AwsError('InvalidRequestContentException', 'Could not parse request body into json.');
  }
}
