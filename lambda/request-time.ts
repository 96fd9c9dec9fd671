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
 * @param now milliseconds since the epoch: the time of a request whose URL tells none, or one that cannot be
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html (X-Amz-Date)
 */
export function requestTimeOf(responseUrl: string, now: number): RequestTime {
  const signedAt = URL.canParse(responseUrl) ? new URL(responseUrl).searchParams.get('X-Amz-Date') : null;
  return (signedAt === null ? undefined : requestTimeIn(signedAt, now)) ?? basicFormat(now);
}

/**
 * The time of the request that a version id or a tag carries in front; undefined where the handler cannot have written it. A time
 * from the future is forged: believed, it would make every later event of the resource too late.
 *
 * @param now milliseconds since the epoch
 */
export function requestTimeIn(text: string, now: number): RequestTime | undefined {
  const time = REQUEST_TIME.exec(text)?.[0];
  return time !== undefined && time <= basicFormat(now + CLOCK_SKEW_MILLISECONDS) ? time : undefined;
}

const REQUEST_TIME = /^\d{8}T\d{6}Z(?=[-+]|$)/;
/** AWS takes signatures whose time is 15 minutes off, so its own clocks differ by less. */
const CLOCK_SKEW_MILLISECONDS = 15 * 60_000;

function basicFormat(millisecondsSinceEpoch: number): RequestTime {
  return new Date(millisecondsSinceEpoch).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
