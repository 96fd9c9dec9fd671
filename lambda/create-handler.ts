import { AwsCalls } from './aws/aws-calls';
import type { Clients } from './aws/clients';
import type { Clock } from './contract/clock';
import type { WatchEvent } from './contract/watch';
import type { CustomResourceEvent } from './custom-resource/event';
import type { EventTools, RunTools } from './device/event-tools';
import { jsonLog, type Log } from './log';
import { IamMfaDevices } from './aws/mfa-devices';
import { OwnStack } from './aws/own-stack';
import { requestTimeOf } from './request-time';
import { isRotationEvent, type RotationEvent } from './rotation/event';
import { rotate } from './rotation/rotate';
import { type Delivery, respond } from './custom-resource/respond';
import { SecretsManagerSeedStore } from './aws/seed-store';
import { isWatchEvent } from './watch/event';
import { SETTLED_AFTER_MILLISECONDS } from './watch/look';
import { watch } from './watch/watch';

/** What Lambda says of one invocation, and where it may be heard. */
export interface Invocation extends Delivery {
  readonly requestId: string;
  readonly remainingMilliseconds: number;
  /** Writes a line of the log. */
  readonly write: (line: string) => void;
}

export type Handler = (
  event: CustomResourceEvent | RotationEvent | WatchEvent,
  invocation: Invocation,
) => Promise<void>;

/**
 * Puts the parts together, for Lambda and for tests.
 *
 * @param random from 0 to 1: the jitter of the pauses, and the order of a watch
 * @param settledAfterMilliseconds how long after its latest request a watch leaves a resource alone
 */
export function createHandler(
  { cloudFormation, iam, secretsManager }: Clients,
  clock: Clock,
  random: () => number,
  settledAfterMilliseconds = SETTLED_AFTER_MILLISECONDS,
): Handler {
  return async (event, { requestId, remainingMilliseconds, write, ...delivery }) => {
    const now = clock.now();
    const end = now + remainingMilliseconds;
    const toolsWith = (log: Log): RunTools => ({
      clock,
      log,
      end,
      portsUntil: (deadline, { request, requestTime }) => {
        const calls = new AwsCalls({ clock, random, log, deadline });
        return {
          mfaDevices: new IamMfaDevices(iam, calls),
          seedStore: new SecretsManagerSeedStore(secretsManager, calls, clock, requestTime, request),
        };
      },
    });
    const log = jsonLog(requestId, write);
    if (isWatchEvent(event)) {
      const looking = toolsWith({ ...log, info: () => undefined });
      await watch(event, { looking, repairing: toolsWith(log), random, settledAfterMilliseconds, write });
    } else if (isRotationEvent(event)) {
      await rotate(event, toolsWith(log));
    } else {
      const tools: EventTools = {
        ...toolsWith(log),
        requestTime: requestTimeOf(event.ResponseURL, now),
        stackUntil: (deadline) => new OwnStack(cloudFormation, new AwsCalls({ clock, random, log, deadline })),
      };
      await respond(event, tools, delivery);
    }
  };
}
