import type { AwsCalls } from './aws-calls';
import type { Clock } from './clock';
import type { Log } from './log';
import type { MfaDevices } from './mfa-devices';
import type { RequestTime } from './request-time';
import type { SeedStore } from './seed-store';

/** What the steps of an enrolment work with. */
export interface EnrollmentTools {
  readonly mfaDevices: MfaDevices;
  readonly seedStore: SeedStore;
  readonly calls: AwsCalls;
  readonly clock: Clock;
  readonly log: Log;
  /** When CloudFormation made the request that is being performed. */
  readonly requestTime: RequestTime;
}
