import { IAMClient } from '@aws-sdk/client-iam';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Context } from 'aws-lambda';
import { AwsCalls } from './aws-calls';
import { systemClock as clock } from './clock';
import { jsonLog } from './log';
import { IamMfaDevices } from './mfa-devices';
import type { CustomResourceEvent } from './custom-resource-event';
import { respond } from './respond';
import { requestTimeOf } from './request-time';
import { SecretsManagerSeedStore } from './seed-store';

/** Kept free before the function's timeout: to undo, then to answer. */
const UNDO_AND_ANSWER_MILLISECONDS = 60_000;

const clientConfiguration = {
  // AwsCalls decides what is tried again: see there.
  maxAttempts: 1,
  requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
};
const iam = new IAMClient(clientConfiguration);
const secretsManager = new SecretsManagerClient(clientConfiguration);

/** The Lambda function: real clients, real clock. */
export async function handler(event: CustomResourceEvent, context: Context): Promise<void> {
  const log = jsonLog(context.awsRequestId, (line) => process.stdout.write(line));
  const deadline = clock.now() + context.getRemainingTimeInMillis() - UNDO_AND_ANSWER_MILLISECONDS;
  const calls = new AwsCalls({ clock, random: Math.random, log, deadline });
  const requestTime = requestTimeOf(event.ResponseURL, clock.now());
  await respond(
    event,
    (request) => ({
      mfaDevices: new IamMfaDevices(iam, calls),
      seedStore: new SecretsManagerSeedStore(secretsManager, calls, clock, requestTime, request),
      calls,
      clock,
      log,
      requestTime,
    }),
    clock,
    log,
    // An endpoint of one's own, such as local-aws, may have no TLS.
    { isHttpAllowed: process.env.AWS_ENDPOINT_URL !== undefined },
  );
}
