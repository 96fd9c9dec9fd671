import { randomUUID } from 'node:crypto';
import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import { ResyncMFADeviceCommand } from '@aws-sdk/client-iam';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { PERIOD_MILLISECONDS, previousAndCurrentCode } from '../../../lambda/contract/authentication-codes';
import { CouldNotBeTried, DidNotHold } from '../finding';
import type { Probe } from '../probe';
import type { ProbedAccount, ProbedDevice } from '../probed-account';
import { known, signIn } from './delays';

/** IAM records its calls in one region of each partition. */
const IAM_REGIONS: Readonly<Record<string, string>> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
};
/** CloudTrail shows most events within five minutes, and promises none. */
const LONGEST_DELAY_MILLISECONDS = 20 * 60_000;
const PAUSE_MILLISECONDS = 20_000;

export const recordsNoSecrets: Probe = {
  assumption: 'CloudTrail records no seed and no code',
  run: async (account) => {
    const { region } = account.connection;
    const ofIam = cloudTrailIn(account, IAM_REGIONS[account.partition] ?? region);
    const ofRegion = cloudTrailIn(account, region);
    const began = new Date(account.clock.now());
    // Fails at once where there is no CloudTrail.
    await ofIam.send(new LookupEventsCommand({ MaxResults: 1 }));

    const userName = await account.createUser();
    const key = account.as(await account.createAccessKey(userName));
    await known(account, key);
    const device = await account.createDevice('recorded');
    const enabling = await account.enable(userName, device);
    const signIns = await signIn(account, key, device);
    const codes = [...enabling, ...signIns, ...(await resync(account, userName, device))];
    const SecretId = await account.createSecret();
    const SecretString = JSON.stringify({ seed: device.seed });
    await account.secretsManager.send(
      new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken: randomUUID() }),
    );

    for (const [trail, eventName, calls] of [
      [ofIam, 'CreateVirtualMFADevice', 1],
      [ofIam, 'EnableMFADevice', 1],
      [ofIam, 'ResyncMFADevice', 1],
      // STS records the tries that it refuses too.
      [ofRegion, 'GetSessionToken', signIns.length],
      [ofRegion, 'PutSecretValue', 1],
    ] as const) {
      const event = await eventsOf(account, trail, { eventName, calls, since: began });
      if (event.includes(device.seed)) throw new DidNotHold(`the event of ${eventName} shows the seed`);
      // Not as a part of a longer number, such as an id.
      const isShown = codes.some((code) => new RegExp(String.raw`(?<![\w-])${code}(?![\w-])`).test(event));
      if (isShown) throw new DidNotHold(`the event of ${eventName} shows a code`);
    }
  },
};

/** Synchronizes a device with codes that are newer than all before, and returns them. */
async function resync(account: ProbedAccount, UserName: string, { serialNumber, seed }: ProbedDevice) {
  const codes = previousAndCurrentCode(seed, account.clock.now() + 2 * PERIOD_MILLISECONDS);
  const [AuthenticationCode1, AuthenticationCode2] = codes;
  const SerialNumber = serialNumber;
  await account.iam.send(
    new ResyncMFADeviceCommand({ UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2 }),
  );
  return codes;
}

function cloudTrailIn(account: ProbedAccount, region: string): CloudTrailClient {
  const client = new CloudTrailClient({ ...account.connection, region });
  account.cleanUpLater('the connections', async () => client.destroy());
  return client;
}

/** The events of all calls of one action that the probe made, as text. */
async function eventsOf(
  { clock, name }: ProbedAccount,
  trail: CloudTrailClient,
  { eventName, calls, since }: { eventName: string; calls: number; since: Date },
): Promise<string> {
  const began = clock.now();
  for (;;) {
    const own = (await lookUp(trail, eventName, since)).filter((text) => text.includes(name));
    if (own.length >= calls) return own.join('\n');
    if (clock.now() - began > LONGEST_DELAY_MILLISECONDS) {
      throw new CouldNotBeTried(`CloudTrail shows ${own.length} of ${calls} events of ${eventName} after 20 minutes`);
    }
    await clock.sleep(PAUSE_MILLISECONDS);
  }
}

async function lookUp(trail: CloudTrailClient, eventName: string, StartTime: Date): Promise<readonly string[]> {
  const LookupAttributes = [{ AttributeKey: 'EventName' as const, AttributeValue: eventName }];
  const texts: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await trail.send(new LookupEventsCommand({ LookupAttributes, StartTime, NextToken }));
    texts.push(...(page.Events ?? []).map(({ CloudTrailEvent = '' }) => CloudTrailEvent));
    ({ NextToken } = page);
  } while (NextToken !== undefined);
  return texts;
}
