import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { partsOfSerialNumber } from '../../lambda/contract/serial-number';
import { calling } from './aws-access';
import { CommandFailure, failures } from './command-failure';
import type { CodeTools } from './fresh-codes';
import type { DeviceRecords } from './device-records';
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import { tell } from './terminal';

/** STS took the first code of a new device 8 to 14 s after EnableMFADevice; twice that leaves room. */
const KNOWN_AFTER_MILLISECONDS = 30_000;
/** Every try counts: STS verifies nine codes of a device in each three-minute window, whatever comes of them. */
const BETWEEN_TRIES_MILLISECONDS = 8_000;
const BUDGET_WINDOW_MILLISECONDS = 180_000;

export interface StsDelayTools extends CodeTools {
  /** Asks IAM whether the device is enabled. */
  readonly records: DeviceRecords;
}

/**
 * Waits where STS says that it cannot validate any code of a device. It says so for a device of another user, for one that was
 * enabled seconds ago, and for one whose codes were tried too often; IAM and the caller's identity tell them apart.
 */
export class StsDelay {
  #enabledAt: number | undefined;
  #hasWaitedForWindow = false;

  constructor(
    private readonly device: Pick<StoredSeed, 'serialNumber' | 'userName'>,
    private readonly tools: StsDelayTools,
  ) {}

  /**
   * Returns when the next try is worth it.
   *
   * @throws CommandFailure where waiting would not help
   */
  async wait(): Promise<void> {
    const { aws, signal, terminal } = this.tools;
    await this.#requireUserOfDevice();
    this.#enabledAt ??= await this.#enabledSince();
    if (aws.time.now() < this.#enabledAt + KNOWN_AFTER_MILLISECONDS) {
      const seconds = BETWEEN_TRIES_MILLISECONDS / 1000;
      tell(
        terminal,
        `STS does not know the device yet: this takes about 15 s after it was enabled. Trying again in ${seconds} s.`,
      );
      await aws.time.sleep(BETWEEN_TRIES_MILLISECONDS, signal);
      return;
    }
    if (this.#hasWaitedForWindow) throw failures.unknownToSts(this.device.serialNumber, this.device.userName);
    this.#hasWaitedForWindow = true;
    const wait = BUDGET_WINDOW_MILLISECONDS - (aws.time.now() % BUDGET_WINDOW_MILLISECONDS);
    tell(
      terminal,
      `STS verifies nine codes of a device in three minutes, and they seem to be used up. Trying again in ${Math.ceil(wait / 1000)} s.`,
    );
    await aws.time.sleep(wait, signal);
  }

  async #requireUserOfDevice(): Promise<void> {
    const { serialNumber, userName } = this.device;
    const { Arn = 'these credentials' } = await calling('sts:GetCallerIdentity', 'these credentials', () =>
      this.tools.aws.sts.send(new GetCallerIdentityCommand({})),
    );
    const [, account, caller] = /^arn:[\w-]+:iam::(\d+):user\/(?:.*\/)?([^/]+)$/.exec(Arn) ?? [];
    const isUser =
      caller?.toLowerCase() === userName.toLowerCase() && account === partsOfSerialNumber(serialNumber)?.accountId;
    if (!isUser) throw failures.foreignSession(serialNumber, userName, Arn);
  }

  /** When the device was enabled; now, where these credentials may not know. */
  async #enabledSince(): Promise<number> {
    const { serialNumber, userName } = this.device;
    const { aws, records } = this.tools;
    try {
      const enabled = await records.enabledFor(userName);
      if (!enabled.has(serialNumber)) throw failures.notAssigned(serialNumber, userName);
      return enabled.get(serialNumber)?.getTime() ?? aws.time.now();
    } catch (error) {
      if (error instanceof CommandFailure && error.kind === 'accessDenied') return aws.time.now();
      throw error;
    }
  }
}
