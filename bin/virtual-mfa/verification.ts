import type { AwsAccess } from './aws-access';
import { CodesRefused, failures } from './command-failure';
import type { DeviceRecords } from './device-records';
import type { LocatedSeed } from './stored-seeds';

/** One thing that verify looks at. */
export interface Check {
  readonly name: string;
  readonly outcome: 'proven' | 'failed' | 'not proven';
  readonly detail: string;
}

/**
 * Looks at a device and at its stored seed.
 *
 * @param resynchronize proves by ResyncMFADevice that IAM has the stored seed; without it, that stays unproven
 */
export async function verify(
  seed: LocatedSeed,
  records: DeviceRecords,
  aws: AwsAccess,
  resynchronize: (() => Promise<void>) | undefined,
): Promise<readonly Check[]> {
  const { serialNumber, userName } = seed;
  const marks = await records.marksOf(serialNumber);
  if (!marks) return [check('device', false, `IAM knows no device ${serialNumber}`)];
  const enabled = await records.enabledFor(userName);
  const isEnabled = enabled.has(serialNumber);
  const holder = isEnabled ? userName : await holderOf(serialNumber, records);
  return [
    check('device', true, `${serialNumber} exists`),
    isEnabled
      ? check(
          'enabled',
          true,
          `for ${userName}, since ${enabled.get(serialNumber)?.toISOString() ?? 'an unknown time'}`,
        )
      : check('enabled', false, holder === undefined ? 'it is deactivated' : `for another user, ${holder}`),
    holder === undefined
      ? {
          name: 'right user',
          outcome: 'not proven',
          detail: `the device is enabled for nobody; the seed is ${userName}'s`,
        }
      : check('right user', isEnabled, `the seed was stored for ${userName}`),
    marks.versionId === seed.versionId && seed.isCurrent
      ? check('stored seed', true, `the current version of ${seed.secretArn} is the one that the device was made with`)
      : check(
          'stored seed',
          false,
          `the current version of ${seed.secretArn} is not the one that the device was made with`,
        ),
    await seedAtIam(isEnabled && aws.isClockRight, resynchronize),
    aws.isClockRight
      ? check('clock', true, "this machine's clock is within a minute of AWS's")
      : check('clock', false, failures.clockOff(aws.clockOffset).message),
  ];
}

/** The user for whom a device is enabled. */
async function holderOf(serialNumber: string, records: DeviceRecords): Promise<string | undefined> {
  const devices = await records.virtualDevices();
  return devices.find((device) => device.serialNumber === serialNumber)?.holder;
}

const SEED_AT_IAM = 'seed at IAM';

async function seedAtIam(takesCodes: boolean, resynchronize: (() => Promise<void>) | undefined): Promise<Check> {
  if (!resynchronize) {
    const detail = 'IAM gives out no seeds; --resync proves that it has the stored one';
    return { name: SEED_AT_IAM, outcome: 'not proven', detail };
  }
  if (!takesCodes) {
    return { name: SEED_AT_IAM, outcome: 'not proven', detail: 'IAM would accept no codes: see the other lines' };
  }
  try {
    await resynchronize();
    return check(SEED_AT_IAM, true, 'IAM accepted two codes of the stored seed (ResyncMFADevice)');
  } catch (error) {
    if (!(error instanceof CodesRefused)) throw error;
    return check(SEED_AT_IAM, false, error.message);
  }
}

function check(name: string, isProven: boolean, detail: string): Check {
  return { name, outcome: isProven ? 'proven' : 'failed', detail };
}
