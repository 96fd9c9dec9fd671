import { asFailure } from './aws-errors';
import type { Clock } from './clock';
import { checkEvent, type CustomResourceEvent } from './custom-resource-event';
import { perform, physicalResourceIdOfFailure, type ToolsFor } from './handler';
import type { Log } from './log';
import { type CustomResourceResponse, type Put, sendResponse } from './response';

/** How answers are delivered. */
export interface Delivery {
  /** Whether an answer may go to a URL without TLS; not by default. */
  readonly isHttpAllowed?: boolean;
  /** Over HTTP by default. */
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
  toolsFor: ToolsFor,
  clock: Clock,
  log: Log,
  { isHttpAllowed = false, put }: Delivery = {},
): Promise<void> {
  checkEvent(event, isHttpAllowed);
  const response = await responseTo(event, toolsFor);
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

async function responseTo(event: CustomResourceEvent, toolsFor: ToolsFor): Promise<CustomResourceResponse> {
  const { StackId, RequestId, LogicalResourceId } = event;
  const common = { StackId, RequestId, LogicalResourceId };
  try {
    const { physicalResourceId, attributes } = await perform(event, toolsFor);
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
