import type { Context } from 'aws-lambda';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CustomResourceEvent } from '../../lambda/custom-resource/event';
import { handler } from '../../lambda/index';
import { STACK_ID } from './handler-stack';

const context = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 300_000 } as Context;
/** Refused for its user, so that no call is made. */
const event: CustomResourceEvent = {
  RequestType: 'Create',
  RequestId: 'request-1',
  ResponseURL: 'http://127.0.0.1:1/answer',
  StackId: STACK_ID,
  LogicalResourceId: 'Mfa',
  ResourceProperties: {},
};

describe('the function', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('answers on AWS by https alone', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', undefined);

    await expect(handler(event, context)).rejects.toThrow('ResponseURL is not valid');
  });
});
