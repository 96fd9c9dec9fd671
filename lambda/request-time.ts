/** The order of a resource's events. */

/**
 * When CloudFormation made a request, as ISO 8601's basic format to the second, `20260115T120007Z`: texts that sort as times do.
 */
export type RequestTime = string;

/**
 * Reads when CloudFormation made a request from the date under which it signed the URL for the answer. CloudFormation does not
 * wait for an update that it rolls back, and Lambda may run an event again long after its answer: the date tells a late run that a
 * later request has been here. To the second, which is finer than CloudFormation's own pace.
 *
 * @param now milliseconds since the epoch: the time of a request whose URL tells none
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html (X-Amz-Date)
 */
export function requestTimeOf(responseUrl: string, now: number): RequestTime {
  const signedAt = URL.canParse(responseUrl) ? new URL(responseUrl).searchParams.get('X-Amz-Date') : null;
  return signedAt !== null && REQUEST_TIME.test(signedAt) ? signedAt : basicFormat(now);
}

/** The time of the request that a version id or a tag carries in front; undefined where somebody else gave the id. */
export function requestTimeIn(text: string): RequestTime | undefined {
  return REQUEST_TIME.exec(text)?.[0];
}

const REQUEST_TIME = /^\d{8}T\d{6}Z(?=-|$)/;

function basicFormat(millisecondsSinceEpoch: number): RequestTime {
  return new Date(millisecondsSinceEpoch).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
