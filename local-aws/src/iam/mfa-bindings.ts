/** What a serial number stands for when a user signs in. */
export interface MfaBinding {
  readonly userId: string;
  /** Base32 text. */
  readonly seed: string;
  /** By how many time steps the device's clock is off. */
  readonly driftTimeSteps: number;
}

interface Change {
  readonly time: number;
  /** Undefined: the device belongs to nobody. */
  readonly binding: MfaBinding | undefined;
}

/** Every change of whose device a serial number is. IAM shows the last one at once; STS learns of each some seconds later. */
export class MfaBindings {
  readonly #changes = new Map<string, Change[]>();

  /** @param time milliseconds since the epoch */
  record(serialNumber: string, binding: MfaBinding | undefined, time: number): void {
    this.#changes.set(serialNumber, [...(this.#changes.get(serialNumber) ?? []), { time, binding }]);
  }

  /** The binding as it was at a moment. */
  at(serialNumber: string, time: number): MfaBinding | undefined {
    return this.#changes.get(serialNumber)?.findLast((change) => change.time <= time)?.binding;
  }
}
