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
    const codes = [
      ...(await account.enable(userName, device)),
      ...(await signIn(account, key, device)),
      ...(await resync(account, userName, device)),
    ];
    const SecretId = await account.createSecret();
    const SecretString = JSON.stringify({ seed: device.seed });
    await account.secretsManager.send(
      new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken: randomUUID() }),
    );

    for (const [trail, eventName] of [
      [ofIam, 'CreateVirtualMFADevice'],
      [ofIam, 'EnableMFADevice'],
      [ofIam, 'ResyncMFADevice'],
      [ofRegion, 'GetSessionToken'],
      [ofRegion, 'PutSecretValue'],
    ] as const) {
      const event = await eventOf(account, trail, eventName, began);
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

/** The events of a call that the probe made, as text. */
async function eventOf(
  { clock, name }: ProbedAccount,
  trail: CloudTrailClient,
  eventName: string,
  StartTime: Date,
): Promise<string> {
  const LookupAttributes = [{ AttributeKey: 'EventName' as const, AttributeValue: eventName }];
  const began = clock.now();
  for (;;) {
    const { Events = [] } = await trail.send(new LookupEventsCommand({ LookupAttributes, StartTime }));
    const own = Events.map(({ CloudTrailEvent = '' }) => CloudTrailEvent).filter((text) => text.includes(name));
    if (own.length > 0) return own.join('\n');
    if (clock.now() - began > LONGEST_DELAY_MILLISECONDS) {
      throw new CouldNotBeTried(`CloudTrail shows no event of ${eventName} after 20 minutes`);
    }
    await clock.sleep(PAUSE_MILLISECONDS);
  }
}
