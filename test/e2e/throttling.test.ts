import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Deployment } from './deployment';

const USERS = Array.from({ length: 12 }, (_, index) => `user-${index + 1}`);
const CALLS_NEEDED = 2 * USERS.length;
// Bursts of one: even a device that comes alone is enabled sooner after its creation than IAM takes another call.
const LIMIT = { perSecond: 4, burst: 1 };

/** A stack whose devices are all created at once, in an account whose IAM takes few calls a second. */
describe('a deployment that IAM throttles', () => {
  let deployment: Deployment;

  beforeAll(async () => {
    deployment = await Deployment.start();
    deployment.localAws.account.throttling.limit('iam', LIMIT);
    const { exitCode, output } = await deployment.deploy(`users=${USERS.join(',')}`);
    expect(exitCode, output).toBe(0);
  });
  afterAll(() => deployment.stop());

  const iamCalls = () => deployment.handlerCalls().filter((call) => call.startsWith('iam:'));

  test('was throttled: otherwise the others would prove nothing', () => {
    expect(iamCalls().filter((call) => call.endsWith(' Throttling'))).not.toHaveLength(0);
  });

  test('gives every user one enabled device, and loses none', async () => {
    const stored = await deployment.storedSeeds();
    expect(stored.map(({ userName }) => userName).sort()).toEqual([...USERS].sort());
    for (const { userName, serialNumber } of stored) expect(deployment.enabledFor(userName)).toEqual([serialNumber]);
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(USERS.length);
  });

  test('stores of every device the seed that it has', async () => {
    const stored = await deployment.storedSeeds();
    const { iam } = deployment.localAws;
    const others = stored.filter(({ serialNumber, seed }) => iam.device(serialNumber).seed !== seed);
    // Names alone: a seed appears in no test's output.
    expect(others.map(({ userName }) => userName)).toEqual([]);
  });

  test('makes each call until it succeeds, and no other', () => {
    const successes = iamCalls().filter((call) => !call.includes(' '));
    expect(successes.sort()).toEqual([
      ...USERS.map(() => 'iam:CreateVirtualMFADevice'),
      ...USERS.map(() => 'iam:EnableMFADevice'),
    ]);
  });

  // Simulated, it is 2.6 times in the mean, and 2.9 at most; with pauses that do not grow it is 11 to 14.
  test('does not storm IAM: it makes fewer than five times the calls that it needs', () => {
    expect(iamCalls().length / CALLS_NEEDED).toBeLessThan(5);
  });
});
