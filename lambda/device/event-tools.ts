import type { Clock } from '../contract/clock';
import type { OwnStack } from '../aws/own-stack';
import type { Log } from '../log';
import type { MfaDevices } from '../aws/mfa-devices';
import type { RequestTime } from '../request-time';
import type { SeedSecret, SeedStore } from '../aws/seed-store';

/** IAM and Secrets Manager. */
export interface Ports {
  readonly mfaDevices: MfaDevices;
  readonly seedStore: SeedStore;
}

/** What a run is made with. */
export interface RunTools {
  readonly clock: Clock;
  readonly log: Log;
  /** When the function is stopped, in milliseconds since the epoch. */
  readonly end: number;
  /** @param deadline in milliseconds since the epoch: from there on no call is tried again */
  portsUntil(deadline: number, goal: { readonly request: SeedSecret; readonly requestTime: RequestTime }): Ports;
}

/** What one event of CloudFormation is handled with. */
export interface EventTools extends RunTools {
  /** When CloudFormation made the request. */
  readonly requestTime: RequestTime;
  /** @param deadline in milliseconds since the epoch: from there on no call is tried again */
  stackUntil(deadline: number): OwnStack;
}
