import type { Context } from 'aws-lambda';
import { awsClients } from './aws/clients';
import { systemClock } from './contract/clock';
import { createHandler, type Handler } from './create-handler';

const handle = createHandler(awsClients(), systemClock, Math.random);

/** The Lambda function: real clients, real clock. */
export async function handler(event: Parameters<Handler>[0], context: Context): Promise<void> {
  await handle(event, {
    requestId: context.awsRequestId,
    remainingMilliseconds: context.getRemainingTimeInMillis(),
    write: (line) => process.stdout.write(line),
    // An endpoint of one's own, such as local-aws, may have no TLS.
    isHttpAllowed: process.env.AWS_ENDPOINT_URL !== undefined,
  });
}
