import type { Context } from 'aws-lambda';
import { awsClients } from './aws/clients';
import { systemClock } from './contract/clock';
import { createHandler } from './create-handler';
import type { CustomResourceEvent } from './custom-resource/event';

const handle = createHandler(awsClients(), systemClock, Math.random);

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
