import type { AwsError } from './protocol/aws-error';
import type { Principal } from './principal';

/** What goes wrong with a call, besides what the caller did wrong. */
export interface Fault {
  /** The action it befalls: `iam:EnableMFADevice`. */
  readonly action: string;
  /** How many calls it befalls; 1 by default. */
  readonly times?: number;
  /** Whether the action has taken effect when it strikes; `before` by default. */
  readonly moment?: 'before' | 'after';
  /** Only calls of this kind of principal; any by default. */
  readonly callerType?: Principal['type'];
  /** What the caller sees: an error, or a connection that breaks without an answer. */
  readonly answer: AwsError | 'connection reset';
  /** Something to do as it strikes, such as killing the caller. */
  readonly strike?: () => void;
}

/** Thrown to make the server break the connection. */
export class ConnectionReset extends Error {}

/** The faults in waiting, and the latency added to every call over HTTP. */
export class Faults {
  /** Milliseconds added to each call over HTTP, as a network would add. */
  latencyMilliseconds = 0;
  #waiting: (Fault & { left: number })[] = [];

  /** Adds a fault; the oldest that fits a call strikes first. */
  inject(fault: Fault): void {
    this.#waiting.push({ ...fault, left: fault.times ?? 1 });
  }

  /** Removes every fault that has not struck yet, and the latency. */
  clear(): void {
    this.#waiting = [];
    this.latencyMilliseconds = 0;
  }

  /** Throws what a waiting fault says for this call at this moment, if there is one. */
  strike(action: string, moment: 'before' | 'after', caller: Principal): void {
    const fault = this.#waiting.find(
      (waiting) =>
        waiting.action === action &&
        (waiting.moment ?? 'before') === moment &&
        (waiting.callerType === undefined || waiting.callerType === caller.type),
    );
    if (!fault) return;
    fault.left -= 1;
    if (fault.left === 0) this.#waiting = this.#waiting.filter((waiting) => waiting !== fault);
    fault.strike?.();
    throw fault.answer === 'connection reset' ? new ConnectionReset() : fault.answer;
  }
}
