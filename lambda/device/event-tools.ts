import type { Clock } from '../contract/clock';
import type { EnrollmentRequest } from './enrollment-request';
import type { Log } from '../log';
import type { MfaDevices } from '../aws/mfa-devices';
import type { RequestTime } from '../request-time';
import type { SeedStore } from '../aws/seed-store';

/** IAM and Secrets Manager. */
export interface Ports {
  readonly mfaDevices: MfaDevices;
  readonly seedStore: SeedStore;
}

/** What one event is handled with. */
export interface EventTools {
  readonly clock: Clock;
  readonly log: Log;
  /** When CloudFormation made the request. */
  readonly requestTime: RequestTime;
  /** When the function is stopped, in milliseconds since the epoch. */
  readonly end: number;
  /** @param deadline in milliseconds since the epoch: from there on no call is tried again */
  portsUntil(deadline: number, request: EnrollmentRequest): Ports;
}
