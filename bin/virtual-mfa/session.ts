import { GetSessionTokenCommand } from '@aws-sdk/client-sts';
import type { CurrentCode } from '../../lambda/contract/current-code';
import { asCommandFailure } from './aws-access';
import { failures } from './command-failure';
import { CODE_REFUSED, withFreshCodes } from './fresh-codes';
import { StsDelay, type StsDelayTools } from './sts-delay';

/**
 * What `credential_process` prints.
 *
 * @see https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sourcing-external.html
 */
export interface SessionCredentials {
  readonly Version: 1;
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly SessionToken: string;
  /** ISO 8601 */
  readonly Expiration: string;
}

/** A code of a device. */
export type DeviceCode = Pick<CurrentCode, 'serialNumber' | 'userName' | 'code'>;

export interface SessionTools extends StsDelayTools {
  /** A session that another process got meanwhile, with the code that was refused here. */
  readonly gotMeanwhile: () => SessionCredentials | undefined;
}

/** STS says the same of a wrong code, and of one that was used. */
const CODE_MAY_BE_USED = 'STS refused the code, which may have been used before.';

/**
 * A session with MFA of the device's user.
 *
 * @param ask for a code: anew before each try, because a rotation may have put another device in the place of the last
 */
export async function getSession(
  ask: () => Promise<DeviceCode>,
  durationSeconds: number,
  { gotMeanwhile, ...tools }: SessionTools,
): Promise<SessionCredentials> {
  const first = await ask();
  let next: DeviceCode | undefined = first;
  let delay = new StsDelay(first, tools);
  return withFreshCodes(first.serialNumber, CODE_MAY_BE_USED, tools, async () => {
    for (;;) {
      const code = next ?? (await ask());
      next = undefined;
      const session = gotMeanwhile() ?? (await newSession(code, durationSeconds, tools));
      if (session !== DEVICE_UNKNOWN) return session;
      const meanwhile = await ask();
      if (meanwhile.serialNumber === code.serialNumber) {
        await delay.wait();
      } else {
        next = meanwhile;
        delay = new StsDelay(meanwhile, tools);
      }
    }
  });
}

/** What STS answers for a device that it does not know, or whose codes were tried too often. */
const DEVICE_UNKNOWN = Symbol('unknown');

async function newSession(
  { serialNumber, userName, code }: DeviceCode,
  durationSeconds: number,
  { aws }: StsDelayTools,
): Promise<SessionCredentials | typeof CODE_REFUSED | typeof DEVICE_UNKNOWN> {
  const command = new GetSessionTokenCommand({
    SerialNumber: serialNumber,
    TokenCode: code,
    DurationSeconds: durationSeconds,
  });
  try {
    const { Credentials } = await aws.sts.send(command);
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '', Expiration } = Credentials ?? {};
    return { Version: 1, AccessKeyId, SecretAccessKey, SessionToken, Expiration: Expiration?.toISOString() ?? '' };
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    if (message.includes('invalid MFA one time pass code')) return CODE_REFUSED;
    if (message.includes('unable to validate MFA code')) return DEVICE_UNKNOWN;
    if (message.includes('session credentials')) throw failures.longTermKeyNeeded(userName);
    throw asCommandFailure(error, 'sts:GetSessionToken', `the user ${userName}`);
  }
}
