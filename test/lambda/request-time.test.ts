import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestTimeIn, requestTimeOf } from '../../lambda/request-time';

const NOW = Date.UTC(2026, 0, 15, 12, 0, 7);
const URL_OF_BUCKET = 'https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/arn%3Aaws';

describe('the time of a request', () => {
  it('is the date under which CloudFormation signed the URL for the answer', () => {
    const url = `${URL_OF_BUCKET}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20251231T235959Z&X-Amz-Expires=7200`;

    expect(requestTimeOf(url, NOW)).toBe('20251231T235959Z');
  });

  it.each([
    ['a URL without a date', `${URL_OF_BUCKET}?Expires=1768478407&Signature=abc`],
    ['a date in another format', `${URL_OF_BUCKET}?X-Amz-Date=2025-12-31T23:59:59Z`],
    ['no URL', 'none'],
    ['a date more than 15 minutes ahead', `${URL_OF_BUCKET}?X-Amz-Date=99990101T000000Z`],
  ])('is now, to the second, for %s', (_case, url) => {
    expect(requestTimeOf(url, NOW)).toBe('20260115T120007Z');
  });

  it('sorts as text as it does as time', () => {
    const moment = fc.date({ min: new Date('2000-01-01'), max: new Date('2999-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(moment, moment, (one, other) => {
        const [first, second] = [one, other].map((date) => requestTimeOf('', date.getTime()));
        const seconds = (date: Date) => Math.floor(date.getTime() / 1000);

        expect((first ?? '') < (second ?? '')).toBe(seconds(one) < seconds(other));
      }),
    );
  });

  it('is read from the ids and tags that carry it, and from no other', () => {
    expect(requestTimeIn('20260115T120007Z-6f1c0c1e-5f5d-4a53-9d0b-0d7e5f3f2a11', NOW)).toBe('20260115T120007Z');
    expect(requestTimeIn('20260115T120007Z', NOW)).toBe('20260115T120007Z');
    expect(requestTimeIn('6f1c0c1e-5f5d-4a53-9d0b-0d7e5f3f2a11', NOW)).toBeUndefined();
    expect(requestTimeIn('20260115T120007Zebra', NOW)).toBeUndefined();
    expect(requestTimeIn('', NOW)).toBeUndefined();
  });

  it('is not read from what claims to be of more than 15 minutes ahead', () => {
    expect(requestTimeIn('20260115T121507Z', NOW)).toBe('20260115T121507Z');
    expect(requestTimeIn('20260115T121508Z', NOW)).toBeUndefined();
    expect(requestTimeIn('99990101T000000Z-6f1c0c1e-5f5d-4a53-9d0b-0d7e5f3f2a11', NOW)).toBeUndefined();
  });
});
