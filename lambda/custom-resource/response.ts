import { request as requestByHttp } from 'node:http';
import { request as requestByHttps } from 'node:https';
import type { Clock } from '../contract/clock';
import type { VirtualMfaDeviceAttributes } from '../contract/properties';

/** CloudFormation takes no more. */
const MAX_BODY_BYTES = 4096;
const TRIES = 6;
const FIRST_PAUSE_MILLISECONDS = 250;
const TRY_TIMEOUT_MILLISECONDS = 5_000;

/**
 * The answer to a custom resource request.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
 */
export interface CustomResourceResponse {
  readonly Status: 'SUCCESS' | 'FAILED';
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId: string;
  readonly Reason?: string;
  readonly Data?: VirtualMfaDeviceAttributes;
}

/** Renders an answer within CloudFormation's limit: a long reason is cut, the JSON never. */
export function renderResponse(response: CustomResourceResponse): Buffer {
  const { Reason } = response;
  const whole = Buffer.from(JSON.stringify(response));
  if (whole.length <= MAX_BODY_BYTES || Reason === undefined) return whole;
  const characters = Array.from(Reason);
  const cutTo = (length: number) =>
    Buffer.from(JSON.stringify({ ...response, Reason: `${characters.slice(0, length).join('')}…` }));
  // What a character takes depends on its script and on JSON's escapes: the longest that fits is searched for.
  let fits = 0;
  let tooLong = characters.length;
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (cutTo(middle).length <= MAX_BODY_BYTES) fits = middle;
    else tooLong = middle;
  }
  return cutTo(fits);
}

/** Makes one PUT request; returns the HTTP status. */
export type Put = (url: string, body: Buffer) => Promise<number>;

/** PUTs an answer to the presigned URL of the event, again if it does not arrive. */
export async function sendResponse(
  url: string,
  response: CustomResourceResponse,
  clock: Clock,
  put: Put = putOverHttp,
): Promise<void> {
  const body = renderResponse(response);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const status = await put(url, body);
      if (status >= 200 && status < 300) return;
      throw new Error(`CloudFormation's response URL answered HTTP ${status}`);
    } catch (error) {
      if (attempt >= TRIES) throw error;
      await clock.sleep(FIRST_PAUSE_MILLISECONDS * 2 ** (attempt - 1));
    }
  }
}

/** By Node's own client, which the SDK has loaded already: `fetch` would load a second one, for this one request. */
async function putOverHttp(url: string, body: Buffer): Promise<number> {
  const request = url.startsWith('https:') ? requestByHttps : requestByHttp;
  return new Promise((answered, failed) => {
    const options = {
      method: 'PUT',
      // The URL is signed for an empty content type; S3 takes no body of unknown length.
      headers: { 'content-type': '', 'content-length': body.length },
      signal: AbortSignal.timeout(TRY_TIMEOUT_MILLISECONDS),
    };
    request(url, options, (answer) => {
      answer.resume();
      answered(answer.statusCode ?? 0);
    })
      .once('error', failed)
      .end(body);
  });
}
