import { GetCallerIdentityCommand, GetSessionTokenCommand } from '@aws-sdk/client-sts';
import { codeAt, millisecondsToNextTimeStep, nextTimeStep } from './authentication-codes';
import { type AwsAccess, calling } from './aws-access';
import type { Clock } from './clock';
import { failures } from './command-failure';
import type { LocatedSeed } from './stored-seeds';

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

/** Some SDKs end a credential_process after a minute: there is time for one wait, and for a second one that begins late. */
const CODE_TRIES = 3;

export interface SessionTools {
  readonly aws: AwsAccess;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told when a code is used up, and how long it is to the next one. */
  readonly waiting: (milliseconds: number) => void;
  /** A session that another process got meanwhile, with the code that was refused here. */
  readonly gotMeanwhile: () => SessionCredentials | undefined;
}

/** A session with MFA of the device's user. */
export async function getSession(
  seed: LocatedSeed,
  durationSeconds: number,
  { aws, clock, signal, waiting, gotMeanwhile }: SessionTools,
): Promise<SessionCredentials> {
  const { serialNumber } = seed;
  for (let tries = 1; ; tries += 1) {
    aws.requireRightClock();
    const step = clock.now();
    const command = new GetSessionTokenCommand({
      SerialNumber: serialNumber,
      TokenCode: codeAt(seed.seed, step),
      DurationSeconds: durationSeconds,
    });
    try {
      const { Credentials } = await aws.sts.send(command);
      const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '', Expiration } = Credentials ?? {};
      return { Version: 1, AccessKeyId, SecretAccessKey, SessionToken, Expiration: Expiration?.toISOString() ?? '' };
    } catch (error) {
      if (!isCodeRefused(error)) throw await failureOf(error, seed, aws);
      // The answer tells AWS's time, where nothing else did.
      aws.requireRightClock();
      if (tries >= CODE_TRIES) throw failures.codesRefused(serialNumber);
    }
    waiting(millisecondsToNextTimeStep(clock.now()));
    await nextTimeStep(clock, signal);
    const session = gotMeanwhile();
    if (session) return session;
  }
}

/** STS says the same of a wrong code as of one that was used before. */
function isCodeRefused(error: unknown): boolean {
  return error instanceof Error && error.message.includes('invalid MFA one time pass code');
}

async function failureOf(error: unknown, { serialNumber, userName }: LocatedSeed, aws: AwsAccess): Promise<unknown> {
  const message = error instanceof Error ? error.message : '';
  if (message.includes('session credentials')) return failures.longTermKeyNeeded(userName);
  if (message.includes('unable to validate MFA code')) {
    const caller = await calling('sts:GetCallerIdentity', 'these credentials', () =>
      aws.sts.send(new GetCallerIdentityCommand({})),
    );
    return failures.foreignSession(serialNumber, userName, caller.Arn ?? 'these credentials');
  }
  return calling('sts:GetSessionToken', `the user ${userName}`, () => Promise.reject(error as Error)).catch(
    (failure: unknown) => failure,
  );
}
