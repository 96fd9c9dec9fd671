/** One AWS call, as the account saw it. Holds no parameters: some are secret. */
export interface LoggedCall {
  /** Milliseconds since the epoch, when the call arrived. */
  readonly time: number;
  /** When it was answered. */
  readonly answered: number;
  /** `iam:EnableMFADevice` */
  readonly action: string;
  /** ARN of the caller. */
  readonly caller: string;
  /** Who made the call: something over HTTP, or CloudFormation on behalf of a stack. */
  readonly source: 'http' | 'cloudformation';
  /** The error code, where the call failed. */
  readonly error?: string;
}

/** The calls made to the account, oldest first. */
export class CallLog {
  readonly #calls: LoggedCall[] = [];

  add(call: LoggedCall): void {
    this.#calls.push(call);
  }

  /** How many calls were answered. */
  get length(): number {
    return this.#calls.length;
  }

  /** All calls, or those since a time, in the order of their answers. */
  since(time = 0): readonly LoggedCall[] {
    return this.#calls.filter((call) => call.time >= time);
  }

  /** All calls but the first ones, in the order of their answers. */
  after(count: number): readonly LoggedCall[] {
    return this.#calls.slice(count);
  }
}
