import { ListMFADeviceTagsCommand } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, GetSessionTokenCommand } from '@aws-sdk/client-sts';
import { SEED_VERSION_TAG } from '../../../lambda/contract/own-tags';
import { codeAt } from '../../../lambda/contract/authentication-codes';
import { DidNotHold } from '../finding';
import type { Probe } from '../probe';
import { type Clients, DENIED, isNamed, type ProbedAccount, type ProbedDevice } from '../probed-account';

const ABSENT = 'NoSuchEntityException';
const ROUNDS = 5;
/** STS verifies nine codes of a device in three minutes; so many tries fit the time in which it has to know the device. */
const STS_TRIES = { milliseconds: 30_000, pause: 5_000 };
const NEW_KEY_MILLISECONDS = 60_000;
/** EnableMFADevice names neither the user nor the device that it does not know: the function waits for both alike. */
const NEW_USER_OR_DEVICE_MILLISECONDS = 45_000;
const NEW_DEVICE_MILLISECONDS = 3_000;

export const knowsANewUser: Probe = {
  assumption: 'A device can be enabled for a new user within 45 seconds',
  run: async (account) => {
    const device = await account.createDevice('new');
    const userName = await account.createUser();
    const enable = () => account.enable(userName, device);
    await account
      .eventually(enable, { notYet: [ABSENT], milliseconds: NEW_USER_OR_DEVICE_MILLISECONDS })
      .catch(asFinding(ABSENT, 'EnableMFADevice knows no such user after that time'));
  },
};

export const enablesANewDevice: Probe = {
  assumption: 'A new device can be enabled within 45 seconds',
  run: async (account) => {
    const userName = await account.createUser();
    // First the user: IAM may not know that everywhere either.
    const first = await account.createDevice('first');
    await account.eventually(() => account.enable(userName, first), {
      notYet: [ABSENT],
      milliseconds: NEW_USER_OR_DEVICE_MILLISECONDS,
    });
    for (let round = 1; round <= ROUNDS; round += 1) {
      const device = await account.createDevice(String(round));
      await account
        .eventually(() => account.enable(userName, device), {
          notYet: [ABSENT],
          milliseconds: NEW_USER_OR_DEVICE_MILLISECONDS,
        })
        .catch(asFinding(ABSENT, 'EnableMFADevice knows no such device after that time'));
    }
  },
};

export const showsTheTagsOfANewDevice: Probe = {
  assumption: 'A new device is shown with its tags within three seconds',
  run: async (account) => {
    for (let round = 1; round <= ROUNDS; round += 1) {
      const tag = { Key: SEED_VERSION_TAG, Value: 'x' };
      const { serialNumber: SerialNumber } = await account.createDevice(String(round), [tag]);
      const read = () => account.iam.send(new ListMFADeviceTagsCommand({ SerialNumber }));
      const { Tags = [] } = await account
        .eventually(read, { notYet: [ABSENT], milliseconds: NEW_DEVICE_MILLISECONDS, pause: 500 })
        .catch(asFinding(ABSENT, 'ListMFADeviceTags knows no such device after that time'));
      if (!Tags.some(({ Key }) => Key === tag.Key)) throw new DidNotHold('the device is shown without its tags');
    }
  },
};

export const knowsANewDeviceAtSignIn: Probe = {
  assumption: 'STS knows a new device within 30 seconds, in every region',
  run: async (account) => {
    const userName = await account.createUser();
    const key = account.as(await account.createAccessKey(userName));
    // First the key: STS may not know that yet either.
    await known(account, key);
    const device = await account.createDevice('new');
    await account.enable(userName, device);
    await signIn(account, key, device).catch(
      asFinding('AccessDenied', 'GetSessionToken takes no code of it after that time'),
    );
  },
};

/** Signs in with a device that was just enabled, and returns the codes that this took. */
export async function signIn(
  account: ProbedAccount,
  { sts }: Clients,
  { serialNumber: SerialNumber, seed }: ProbedDevice,
): Promise<readonly string[]> {
  const codes: string[] = [];
  const getSession = () => {
    const TokenCode = codeAt(seed, account.clock.now());
    codes.push(TokenCode);
    return sts.send(new GetSessionTokenCommand({ SerialNumber, TokenCode }));
  };
  await account.eventually(getSession, { notYet: DENIED, ...STS_TRIES });
  return codes;
}

/** Waits until STS knows an access key. */
export async function known(account: ProbedAccount, { sts }: Clients): Promise<void> {
  await account.eventually(() => sts.send(new GetCallerIdentityCommand({})), {
    notYet: ['InvalidClientTokenId', 'InvalidClientTokenIdException'],
    milliseconds: NEW_KEY_MILLISECONDS,
  });
}

/** Takes an error that time did not heal as the answer to the probe. */
function asFinding(name: string, message: string): (error: unknown) => never {
  return (error) => {
    throw isNamed(error, name) ? new DidNotHold(message) : error;
  };
}
