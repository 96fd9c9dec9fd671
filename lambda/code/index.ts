import type { Context } from 'aws-lambda';
import { secretsManagerThatRetries } from '../aws/clients';
import { systemClock } from '../contract/clock';
import type { CurrentCode } from '../contract/current-code';
import { jsonLog } from '../log';
import { codeFor } from './code-for';

const secretsManager = secretsManagerThatRetries();

/** The Lambda function that gives out codes. It does not read the event. */
export async function handler(_event: unknown, context: Context): Promise<CurrentCode> {
  const answer = await codeFor(context.invokedFunctionArn, secretsManager, systemClock);
  // Not what the secret says: whoever may write to it can put another device there.
  const alias = context.invokedFunctionArn.split(':').at(-1);
  jsonLog(context.awsRequestId, (line) => process.stdout.write(line)).info('Gave out a code', { alias });
  return answer;
}
