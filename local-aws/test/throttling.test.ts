import { IAMClient, ListUsersCommand } from '@aws-sdk/client-iam';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalAws, startLocalAws } from '../src';
import { type RateLimit, TokenBucket } from '../src/throttling';
import { NOON } from './strict-account';

/** Takes as many tokens as there are at a moment. */
function drain(bucket: TokenBucket, now: number): number {
  let taken = 0;
  while (bucket.take(now)) taken += 1;
  return taken;
}

const limits: fc.Arbitrary<RateLimit> = fc.record({
  perSecond: fc.integer({ min: 1, max: 50 }),
  burst: fc.integer({ min: 1, max: 50 }),
});

/** When calls come, in milliseconds, in order. */
const arrivals = fc
  .array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 150 })
  .map((pauses) => pauses.map((_pause, index) => NOON + pauses.slice(0, index + 1).reduce((a, b) => a + b)));

/** When the calls that passed came. */
function passed(limit: RateLimit, times: readonly number[]): readonly number[] {
  const bucket = new TokenBucket(limit);
  return times.filter((time) => bucket.take(time));
}

describe('a token bucket', () => {
  it('takes a burst at once, and no call more', () => {
    expect(drain(new TokenBucket({ perSecond: 5, burst: 10 }), NOON)).toBe(10);
  });

  it('takes another call as soon as its token is there, and not a millisecond before', () => {
    const bucket = new TokenBucket({ perSecond: 5, burst: 10 });
    drain(bucket, NOON);

    expect(bucket.take(NOON + 199)).toBe(false);
    expect(bucket.take(NOON + 200)).toBe(true);
    expect(bucket.take(NOON + 200)).toBe(false);
  });

  it('never holds more than a burst, however long it rests', () => {
    const bucket = new TokenBucket({ perSecond: 5, burst: 10 });
    drain(bucket, NOON);

    expect(drain(bucket, NOON + 86_400_000)).toBe(10);
  });

  it('is not filled by a clock that is turned back', () => {
    const bucket = new TokenBucket({ perSecond: 5, burst: 10 });
    drain(bucket, NOON);

    expect(bucket.take(NOON - 60_000)).toBe(false);
    expect(bucket.take(NOON)).toBe(false);
    expect(bucket.take(NOON + 200)).toBe(true);
  });

  it('lets no more than burst + rate × time pass, in whichever window', () => {
    fc.assert(
      fc.property(limits, arrivals, (limit, times) => {
        const calls = passed(limit, times);
        calls.forEach((first, index) =>
          calls.slice(index).forEach((last, more) => {
            const seconds = (last - first) / 1000;
            expect(more + 1).toBeLessThanOrEqual(limit.burst + limit.perSecond * seconds);
          }),
        );
      }),
    );
  });

  it('lets pass what keeps to the rate', () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: 1, max: 100 }), (limit, count) => {
        const times = Array.from({ length: count }, (_, index) => NOON + index * Math.ceil(1000 / limit.perSecond));
        expect(passed(limit, times)).toEqual(times);
      }),
    );
  });

  it('takes no token for a call that it refuses', () => {
    fc.assert(
      fc.property(limits, arrivals, (limit, times) => {
        const calls = passed(limit, times);
        expect(passed(limit, calls)).toEqual(calls);
      }),
    );
  });

  it.each([
    { perSecond: 0, burst: 10 },
    { perSecond: 5, burst: 0.5 },
    { perSecond: NaN, burst: 10 },
  ])('is not made of $perSecond calls a second and bursts of $burst, which would let nothing pass', (limit) => {
    expect(() => new TokenBucket(limit)).toThrow(`got ${limit.perSecond} calls a second and bursts of ${limit.burst}`);
  });
});

describe('an account that throttles a service', () => {
  let time: number;
  let localAws: LocalAws;
  let iam: IAMClient;
  let secretsManager: SecretsManagerClient;
  const listUsers = async () => iam.send(new ListUsersCommand({}));
  const listSecrets = async () => secretsManager.send(new ListSecretsCommand({}));

  beforeEach(async () => {
    time = NOON;
    localAws = await startLocalAws({ now: () => time });
    // One try: the SDK's own would hide what is answered.
    const configuration = { ...localAws.clientConfiguration, maxAttempts: 1 };
    iam = new IAMClient(configuration);
    secretsManager = new SecretsManagerClient(configuration);
  });
  afterEach(async () => {
    iam.destroy();
    secretsManager.destroy();
    await localAws.close();
  });

  it('answers as IAM does, until the account’s clock has brought a token', async () => {
    localAws.account.throttling.limit('iam', { perSecond: 1, burst: 1 });
    await listUsers();

    await expect(listUsers()).rejects.toMatchObject({
      name: 'Throttling',
      message: 'Rate exceeded',
      $metadata: { httpStatusCode: 400 },
    });
    time += 1000;
    await expect(listUsers()).resolves.toMatchObject({ Users: [] });
  });

  it('answers as Secrets Manager does', async () => {
    localAws.account.throttling.limit('secretsmanager', { perSecond: 1, burst: 1 });
    await listSecrets();

    await expect(listSecrets()).rejects.toMatchObject({
      name: 'ThrottlingException',
      message: 'Rate exceeded',
      $metadata: { httpStatusCode: 400 },
    });
  });

  it('throttles no other service', async () => {
    localAws.account.throttling.limit('iam', { perSecond: 1, burst: 1 });
    await listUsers();

    await expect(listSecrets()).resolves.toMatchObject({ SecretList: [] });
  });

  it('logs the calls that it refused, with their error', async () => {
    localAws.account.throttling.limit('iam', { perSecond: 1, burst: 1 });
    const before = localAws.account.calls.length;
    await listUsers();
    await expect(listUsers()).rejects.toThrow();

    expect(localAws.account.calls.after(before)).toMatchObject([
      { action: 'iam:ListUsers', source: 'http' },
      { action: 'iam:ListUsers', source: 'http', error: 'Throttling' },
    ]);
    expect(localAws.account.calls.after(before)[0]).not.toHaveProperty('error');
  });

  it('does not perform what it refuses, and leaves waiting faults for the calls that it takes', async () => {
    localAws.account.throttling.limit('iam', { perSecond: 1, burst: 1 });
    await listUsers();
    localAws.account.faults.inject({ action: 'iam:ListUsers', answer: 'connection reset' });

    await expect(listUsers()).rejects.toMatchObject({ name: 'Throttling' });
    time += 1000;
    await expect(listUsers()).rejects.not.toMatchObject({ name: 'Throttling' });
  });

  it('lets CloudFormation’s own calls pass, and they take no token', async () => {
    localAws.account.throttling.limit('iam', { perSecond: 1, burst: 1 });
    for (const UserName of ['Bob', 'Alice', 'Carol']) await localAws.account.invoke('iam', 'CreateUser', { UserName });

    await expect(listUsers()).resolves.toMatchObject({ Users: [{}, {}, {}] });
  });

  it('takes every call again, once its limits are removed', async () => {
    localAws.account.throttling.limit('iam', { perSecond: 1, burst: 1 });
    await listUsers();
    localAws.account.throttling.clear();

    await expect(listUsers()).resolves.toBeDefined();
  });

  it('does not know services that it does not have', () => {
    expect(() => localAws.account.throttling.limit('iams', { perSecond: 1, burst: 1 })).toThrow('the service iams');
  });
});
