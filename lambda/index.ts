import { IAMClient } from '@aws-sdk/client-iam';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Context } from 'aws-lambda';
import { systemClock } from './clock';
import { createHandler } from './create-handler';
import type { CustomResourceEvent } from './custom-resource-event';

const configuration = {
  // AwsCalls decides what is tried again: see there.
  maxAttempts: 1,
  requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
};
const clients = { iam: new IAMClient(configuration), secretsManager: new SecretsManagerClient(configuration) };
const handle = createHandler(clients, systemClock, Math.random);

/** The Lambda function: real clients, real clock. */
export async function handler(event: CustomResourceEvent, context: Context): Promise<void> {
  await handle(event, {
    requestId: context.awsRequestId,
    remainingMilliseconds: context.getRemainingTimeInMillis(),
    write: (line) => process.stdout.write(line),
    // An endpoint of one's own, such as local-aws, may have no TLS.
    isHttpAllowed: process.env.AWS_ENDPOINT_URL !== undefined,
  });
}
