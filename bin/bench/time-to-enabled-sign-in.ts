import { GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { startLocalAws } from '../../local-aws';
import { codeAt, PERIOD_MILLISECONDS } from '../virtual-mfa/authentication-codes';
import { codesOf, SCRIPT_WAYS, type ScriptWay } from './script-way';

const USER_NAME = 'Erin';
/** A device that takes no code by then was not enabled. */
const LAST_TIME_STEP = 5;

/**
 * In which time step, counted from the one in which a way starts, the code that an authenticator shows is first taken: a code
 * that the device was enabled with is used up. On a clock that is moved, so that nobody waits.
 */
export async function timeStepsToSignIn(): Promise<Readonly<Record<ScriptWay, number>>> {
  let now = Math.ceil(Date.now() / PERIOD_MILLISECONDS) * PERIOD_MILLISECONDS;
  const localAws = await startLocalAws({ now: () => now });
  const { account, clientConfiguration, iam } = localAws;
  await account.invoke('iam', 'CreateUser', { UserName: USER_NAME });
  const { AccessKey } = await account.invoke('iam', 'CreateAccessKey', { UserName: USER_NAME });
  const { AccessKeyId, SecretAccessKey } = AccessKey as Record<string, string>;
  const sts = new STSClient({
    ...clientConfiguration,
    credentials: { accessKeyId: String(AccessKeyId), secretAccessKey: String(SecretAccessKey) },
    maxAttempts: 1,
  });

  const signsIn = async (SerialNumber: string, TokenCode: string) =>
    sts.send(new GetSessionTokenCommand({ SerialNumber, TokenCode })).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Error && error.name === 'AccessDenied') return false;
        throw error;
      },
    );

  const timeStepsFor = async (way: ScriptWay): Promise<number> => {
    const serialNumber = account.arn('iam', `mfa/${way.replaceAll(/\W/g, '')}`);
    await account.invoke('iam', 'CreateVirtualMFADevice', { VirtualMFADeviceName: serialNumber.split('/')[1] });
    const seed = iam.device(serialNumber).seed;
    const started = now;
    const [AuthenticationCode1, AuthenticationCode2] = codesOf(way, seed, started);
    if (SCRIPT_WAYS[way].waits) now += PERIOD_MILLISECONDS;
    await account.invoke('iam', 'EnableMFADevice', {
      UserName: USER_NAME,
      SerialNumber: serialNumber,
      AuthenticationCode1,
      AuthenticationCode2,
    });
    for (;;) {
      const timeStep = (now - started) / PERIOD_MILLISECONDS;
      if (await signsIn(serialNumber, codeAt(seed, now))) return timeStep;
      if (timeStep >= LAST_TIME_STEP) throw new Error(`No sign-in with a device that was enabled by ${way}`);
      now += PERIOD_MILLISECONDS;
    }
  };

  try {
    return {
      'previous + current': await timeStepsFor('previous + current'),
      'current + next': await timeStepsFor('current + next'),
      'this code, then the next': await timeStepsFor('this code, then the next'),
    };
  } finally {
    sts.destroy();
    await localAws.close();
  }
}
