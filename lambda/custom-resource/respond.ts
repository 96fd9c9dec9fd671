import { asFailure } from '../aws/aws-errors';
import { checkEvent, type CustomResourceEvent } from './event';
import type { EventTools } from '../device/event-tools';
import { perform, physicalResourceIdOfFailure } from './handler';
import { type CustomResourceResponse, type Put, sendResponse } from './response';

/** How answers are delivered. */
export interface Delivery {
  /** Whether an answer may go to a URL without TLS. */
  readonly isHttpAllowed: boolean;
  /** Over HTTP without it. */
  readonly put?: Put;
}

/**
 * Performs an event and answers it, whatever happens.
 *
 * @throws Failure where CloudFormation cannot have sent the event
 * @throws Error if the answer cannot be delivered: Lambda then runs the event again
 */
export async function respond(
  event: CustomResourceEvent,
  tools: EventTools,
  { isHttpAllowed, put }: Delivery,
): Promise<void> {
  checkEvent(event, isHttpAllowed);
  const response = await responseTo(event, tools);
  const { clock, log } = tools;
  const fields = {
    requestType: event.RequestType,
    logicalResourceId: event.LogicalResourceId,
    physicalResourceId: response.PhysicalResourceId,
    status: response.Status,
  };
  if (response.Reason === undefined) log.info(`${event.RequestType} succeeded`, fields);
  else log.error(`${event.RequestType} failed: ${response.Reason}`, { ...fields, reason: response.Reason });
  await sendResponse(event.ResponseURL, response, clock, put);
}

async function responseTo(event: CustomResourceEvent, tools: EventTools): Promise<CustomResourceResponse> {
  const { StackId, RequestId, LogicalResourceId } = event;
  const common = { StackId, RequestId, LogicalResourceId };
  try {
    const { physicalResourceId, attributes } = await perform(event, tools);
    return {
      ...common,
      Status: 'SUCCESS',
      PhysicalResourceId: physicalResourceId,
      ...(attributes ? { Data: attributes } : {}),
    };
  } catch (error) {
    return {
      ...common,
      Status: 'FAILED',
      PhysicalResourceId: physicalResourceIdOfFailure(event),
      Reason: asFailure(error).message,
    };
  }
}
