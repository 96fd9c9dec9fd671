import { AwsCalls } from './aws/aws-calls';
import type { Clients } from './aws/clients';
import type { Clock } from './contract/clock';
import type { CustomResourceEvent } from './custom-resource/event';
import type { EnrollmentRequest } from './device/enrollment-request';
import { jsonLog } from './log';
import { IamMfaDevices } from './aws/mfa-devices';
import { requestTimeOf } from './request-time';
import { type Delivery, respond } from './custom-resource/respond';
import { SecretsManagerSeedStore } from './aws/seed-store';

/** What Lambda says of one invocation, and where it may be heard. */
export interface Invocation extends Delivery {
  readonly requestId: string;
  readonly remainingMilliseconds: number;
  /** Writes a line of the log. */
  readonly write: (line: string) => void;
}

export type Handler = (event: CustomResourceEvent, invocation: Invocation) => Promise<void>;

/**
 * Puts the parts together, for Lambda and for tests.
 *
 * @param random from 0 to 1: the jitter of the pauses
 */
export function createHandler({ iam, secretsManager }: Clients, clock: Clock, random: () => number): Handler {
  return async (event, { requestId, remainingMilliseconds, write, ...delivery }) => {
    const log = jsonLog(requestId, write);
    const now = clock.now();
    const requestTime = requestTimeOf(event.ResponseURL, now);
    const tools = {
      clock,
      log,
      requestTime,
      end: now + remainingMilliseconds,
      portsUntil: (deadline: number, request: EnrollmentRequest) => {
        const calls = new AwsCalls({ clock, random, log, deadline });
        return {
          mfaDevices: new IamMfaDevices(iam, calls),
          seedStore: new SecretsManagerSeedStore(secretsManager, calls, clock, requestTime, request),
        };
      },
    };
    await respond(event, tools, delivery);
  };
}
