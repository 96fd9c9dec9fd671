import { GetSessionTokenCommand } from '@aws-sdk/client-sts';
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

/** A device, and where its codes come from. */
export interface CodeSource {
  readonly serialNumber: string;
  readonly userName: string;
  readonly code: () => Promise<string>;
}

export interface SessionTools extends StsDelayTools {
  /** A session that another process got meanwhile, with the code that was refused here. */
  readonly gotMeanwhile: () => SessionCredentials | undefined;
}

/** STS says the same of a wrong code, and of one that was used. */
const CODE_MAY_BE_USED = 'STS refused the code, which may have been used before.';

/** A session with MFA of the device's user. */
export async function getSession(
  source: CodeSource,
  durationSeconds: number,
  { gotMeanwhile, ...tools }: SessionTools,
): Promise<SessionCredentials> {
  const delay = new StsDelay(source, tools);
  return withFreshCodes(source.serialNumber, CODE_MAY_BE_USED, tools, async () => {
    for (;;) {
      const session = gotMeanwhile() ?? (await newSession(source, durationSeconds, tools));
      if (session !== DEVICE_UNKNOWN) return session;
      await delay.wait();
    }
  });
}

/** What STS answers for a device that it does not know, or whose codes were tried too often. */
const DEVICE_UNKNOWN = Symbol('unknown');

async function newSession(
  { serialNumber, userName, code }: CodeSource,
  durationSeconds: number,
  { aws }: StsDelayTools,
): Promise<SessionCredentials | typeof CODE_REFUSED | typeof DEVICE_UNKNOWN> {
  const command = new GetSessionTokenCommand({
    SerialNumber: serialNumber,
    TokenCode: await code(),
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
