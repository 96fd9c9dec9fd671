import { CloudTrailClient, type LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import { afterEach, beforeEach, describe, expect, type Mock, test, vi } from 'vitest';
import { PROBE_EXIT_CODES } from '../../../scripts/integ/probe';
import { type Distortion, IN_CLOUD_TRAIL, ProbedLocalAws, probeOf } from './probed-local-aws';

const { allHeld, someCouldNotBeTried, someDidNotHold } = PROBE_EXIT_CODES;

let account: ProbedLocalAws;

beforeEach(async () => {
  account = await ProbedLocalAws.start();
});
afterEach(async () => account.close());

describe('the probe of CloudTrail', () => {
  const probe = probeOf(IN_CLOUD_TRAIL);
  /** What the probe's calls of one kind were asked and answered, as CloudTrail might record it. */
  let recorded = '';
  const record = (command: RegExp): Distortion => ({
    command,
    request: (input) => {
      recorded += JSON.stringify(input);
    },
    answer: (output) => {
      const { VirtualMFADevice } = output as { VirtualMFADevice?: { Base32StringSeed?: Uint8Array } };
      recorded += new TextDecoder().decode(VirtualMFADevice?.Base32StringSeed);
      return {};
    },
  });

  beforeEach(() => {
    recorded = '';
  });
  afterEach(() => vi.restoreAllMocks());

  /** More than any action is called. */
  const MANY = 20;

  /** A trail that shows the events of each action from the third look on, in two pages, with what a text adds to the last one. */
  function startTrail(shown: (eventName: string) => string, events = MANY): void {
    const looks = new Map<string, number>();
    answerLookUps(async ({ input }) => {
      const eventName = input.LookupAttributes?.[0]?.AttributeValue ?? '';
      const user = account.localAws.iam.users.all()[0]?.name ?? '';
      const event = (text: string) => ({ CloudTrailEvent: `{"userName":"${user}"}${text}` });
      if (input.NextToken !== undefined) return { Events: [event(shown(eventName))] };
      looks.set(eventName, (looks.get(eventName) ?? 0) + 1);
      if ((looks.get(eventName) ?? 0) < 3) return {};
      return { Events: Array.from({ length: events - 1 }, () => event('')), NextToken: 'next' };
    });
  }

  function answerLookUps(answer: (command: LookupEventsCommand) => Promise<object>): void {
    const send = vi.spyOn(CloudTrailClient.prototype, 'send') as unknown as Mock<typeof answer>;
    send.mockImplementation(answer);
  }

  test('could not be tried on local-aws, which has no CloudTrail, and makes nothing there', async () => {
    const { exitCode, lines } = await account.run([probe]);

    expect(lines).toEqual([expect.stringMatching(`^${IN_CLOUD_TRAIL}: could not be tried: .*cloudtrail`)]);
    expect(exitCode).toBe(someCouldNotBeTried);
    expect(account.localAws.account.calls.since().map(({ action }) => action)).not.toContain('iam:CreateUser');
  });

  test('could not be tried where the events do not come', async () => {
    answerLookUps(async () => ({}));

    expect((await account.run([probe])).lines).toEqual([
      `${IN_CLOUD_TRAIL}: could not be tried: CloudTrail shows 0 of 1 events of CreateVirtualMFADevice after 20 minutes`,
    ]);
  });

  test('could not be tried where the events of some calls do not come', async () => {
    startTrail(() => '', 1);

    expect((await account.run([probe])).lines).toEqual([
      expect.stringMatching(
        /could not be tried: CloudTrail shows 1 of [2-9] events of GetSessionToken after 20 minutes$/,
      ),
    ]);
  });

  test('held where the events show neither, and leaves nothing behind', async () => {
    startTrail(() => '');

    expect(await account.run([probe])).toEqual({ exitCode: allHeld, lines: [`${IN_CLOUD_TRAIL}: held`] });
    expect(await account.remains()).toEqual([]);
  });

  test.each([
    ['CreateVirtualMFADevice', 'the seed'],
    ['EnableMFADevice', 'a code'],
    ['ResyncMFADevice', 'a code'],
    ['GetSessionToken', 'a code'],
    ['PutSecretValue', 'the seed'],
  ])('did not hold where the event of %s shows %s, which is not printed', async (name, what) => {
    startTrail((eventName) => (eventName === name ? recorded : ''));
    const { exitCode, lines } = await account.run([probe], record(new RegExp(`^${name}Command$`)));

    expect(lines).toEqual([`${IN_CLOUD_TRAIL}: did not hold: the event of ${name} shows ${what}`]);
    expect(exitCode).toBe(someDidNotHold);
  });
});
