import { GetCallerIdentityCommand, GetSessionTokenCommand } from '@aws-sdk/client-sts';
import { codeAt } from './authentication-codes';
import { asCommandFailure, type AwsAccess, calling } from './aws-access';
import { failures } from './command-failure';
import { CODE_REFUSED, type CodeTools, withFreshCodes } from './fresh-codes';
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

export interface SessionTools extends CodeTools {
  /** A session that another process got meanwhile, with the code that was refused here. */
  readonly gotMeanwhile: () => SessionCredentials | undefined;
}

/** A session with MFA of the device's user. */
export async function getSession(
  seed: LocatedSeed,
  durationSeconds: number,
  { gotMeanwhile, ...tools }: SessionTools,
): Promise<SessionCredentials> {
  const { aws, clock } = tools;
  return withFreshCodes(seed.serialNumber, tools, async () => {
    const session = gotMeanwhile();
    if (session) return session;
    const command = new GetSessionTokenCommand({
      SerialNumber: seed.serialNumber,
      TokenCode: codeAt(seed.seed, clock.now()),
      DurationSeconds: durationSeconds,
    });
    try {
      const { Credentials } = await aws.sts.send(command);
      const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '', Expiration } = Credentials ?? {};
      return { Version: 1, AccessKeyId, SecretAccessKey, SessionToken, Expiration: Expiration?.toISOString() ?? '' };
    } catch (error) {
      if (error instanceof Error && error.message.includes('invalid MFA one time pass code')) return CODE_REFUSED;
      throw await failureOf(error, seed, aws);
    }
  });
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
  return asCommandFailure(error, 'sts:GetSessionToken', `the user ${userName}`);
}
