import { CommandFailure } from './command-failure';
import type { DeviceState, ManagedDevice } from './inventory';
import { ownerMayReadSeed } from './owner-access';
import { repaired, type RepairTools } from './repair';
import { severalAtOnce } from './several-at-once';
import { readStoredSeed } from './stored-seeds';

/** What verify found of a device among many. */
export interface DeviceReport extends Partial<ManagedDevice> {
  /** What is wrong, and what to do; absent where the device is as it should be. */
  readonly problem?: string;
  /** What --repair did. */
  readonly repaired?: string;
  readonly seedAgeDays?: number;
  /** Whether the owner may read the seed without the device; absent where that was not asked, or may not be. */
  readonly ownerMayReadSeed?: boolean;
}

export interface ReportTools extends RepairTools {
  readonly repair?: boolean | undefined;
  /** Asks IAM, once for each device, whether the owner may read the seed. */
  readonly ownerAccess?: boolean | undefined;
  /** Called with each report as it is made. */
  readonly progress?: () => void;
}

const PROBLEMS: Readonly<Record<Exclude<DeviceState, 'enabled'>, string>> = {
  deactivated: 'somebody deactivated it; --repair enables it again',
  'enabled for another user': 'somebody enabled it for another user; deactivate it there, then run --repair',
  'device missing': 'somebody deleted it by hand; set a new rotationId and deploy',
  'seed overwritten': "the secret's current value is not its seed; --repair restores it",
  replaced: 'a rotation could not delete it; deactivate and delete it by hand',
  'secret missing': 'somebody deleted its secret; remove the device from the stack, deploy, and declare it again',
  'secret being deleted': 'somebody deleted its secret; run aws secretsmanager restore-secret',
  'not enrolled': 'its secret has no seed; wait until the deployment ends, or set a new rotationId and deploy',
};
const MILLISECONDS_A_DAY = 86_400_000;
/** The function enables a device minutes after the request at most; a later date may be that of a device somebody made anew. */
const ENABLED_WITHIN_MILLISECONDS = 3_600_000;

/** Looks at devices and their stored seeds. IAM is asked about a device alone where its dates leave a doubt, or to repair it. */
export async function reportsOf(
  devices: readonly ManagedDevice[],
  tools: ReportTools,
): Promise<readonly DeviceReport[]> {
  return severalAtOnce(devices, async (device) => {
    const report = await reportOf(device, tools);
    tools.progress?.();
    return report;
  });
}

async function reportOf(device: ManagedDevice, tools: ReportTools): Promise<DeviceReport> {
  try {
    const repair = tools.repair ? await repaired(device, tools) : undefined;
    const now = repair?.device ?? device;
    const problem = now.state === 'enabled' ? await seedProblem(now, tools) : PROBLEMS[now.state];
    const mayRead = tools.ownerAccess ? await ownerMayReadSeed(now, tools.aws) : undefined;
    return {
      ...now,
      ...(problem === undefined ? {} : { problem }),
      ...(repair === undefined ? {} : { repaired: repair.done }),
      ...ageOf(now, tools.aws.time.now()),
      ...(mayRead === undefined ? {} : { ownerMayReadSeed: mayRead }),
    };
  } catch (error) {
    // A wrong clock concerns every device.
    if (!(error instanceof CommandFailure) || error.kind === 'clockOff') throw error;
    return { ...device, problem: error.message, ...ageOf(device, tools.aws.time.now()) };
  }
}

/** What is wrong with the stored seed of a device that is enabled. */
async function seedProblem(device: ManagedDevice, { aws, records, region }: ReportTools): Promise<string | undefined> {
  const { seedSecretArn = '', seedVersionId = '', serialNumber = '', userName } = device;
  const location = { secretArn: seedSecretArn, region, versionId: seedVersionId, serialNumber };
  await readStoredSeed({ ...location, ...(userName === undefined ? {} : { userName }) }, aws);
  if (isEnabledAtOnce(device)) return undefined;
  const marks = await records.marksOf(serialNumber);
  if (marks?.versionId === seedVersionId) return undefined;
  return "its tags do not name the secret's current seed, so somebody may have made it anew; set a new rotationId and deploy";
}

function isEnabledAtOnce({ enableDate, seedStoredDate }: ManagedDevice): boolean {
  const delay = (enableDate?.getTime() ?? NaN) - (seedStoredDate?.getTime() ?? NaN);
  return delay <= ENABLED_WITHIN_MILLISECONDS;
}

function ageOf({ seedStoredDate }: ManagedDevice, now: number): Pick<DeviceReport, 'seedAgeDays'> {
  if (seedStoredDate === undefined) return {};
  return { seedAgeDays: Math.floor((now - seedStoredDate.getTime()) / MILLISECONDS_A_DAY) };
}
