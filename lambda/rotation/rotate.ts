import { asFailure } from '../aws/aws-errors';
import type { RunTools } from '../device/event-tools';
import { reach } from '../device/reconcile';
import { failures } from '../failure';
import { checkRotationEvent, type RotationEvent } from './event';
import { deadlineOf, type Rotation, rotationOf, seedStoreOf } from './rotation';

/**
 * Performs one step of a rotation; Secrets Manager sends the next once it has succeeded.
 *
 * A device keeps its seed as long as it lives, and two devices cannot have one serial number. So a second device, the bridge, serves
 * the user while the device is deleted and made anew. The secret's current seed is always that of the one that works.
 *
 * A rotation acts in the name of CloudFormation's latest request: what that has made is its to change, and a later request supersedes
 * it as it would a late run of that request.
 *
 * @throws Failure where the step has failed: Secrets Manager ends the rotation
 */
export async function rotate(event: RotationEvent, tools: RunTools): Promise<void> {
  checkRotationEvent(event);
  const { Step } = event;
  try {
    const rotation = await rotationOf(event, tools);
    await STEPS[Step](rotation, event, tools);
    const { serialNumber } = rotation.device;
    tools.log.info(`${Step} succeeded`, { requestType: Step, status: 'SUCCESS', serialNumber });
  } catch (error) {
    const failure = asFailure(error);
    tools.log.error(`${Step} failed: ${failure.message}`, {
      requestType: Step,
      status: 'FAILED',
      reason: failure.message,
    });
    await clearPending(event, tools).catch((remains: unknown) => {
      tools.log.error(`AWSPENDING stays where it is: ${asFailure(remains).message}`, { requestType: Step });
    });
    throw failure;
  }
}

type Step = (rotation: Rotation, event: RotationEvent, tools: RunTools) => Promise<void>;

/** What each step brings about, from how far the rotation has come. */
const STEPS: Readonly<Record<RotationEvent['Step'], Step>> = {
  /** The bridge is enabled, and its seed current. */
  createSecret: async ({ device, bridge, serving, isPending, hasStoredCurrent }, event, tools) => {
    // This rotation, or an earlier one, has come this far or farther: it goes on from there.
    if (serving === bridge || hasStoredCurrent) return;
    if (!isPending) throw failures.notRotating();
    // It had come to its end when a deployment came: its version has a value, and takes no other.
    if (await seedStoreOf(event, tools).find(event.ClientRequestToken)) throw failures.rotationOvertaken();
    const { mfaDevices } = tools.portsUntil(deadlineOf(tools), device);
    const enabled = (await mfaDevices.enabledFor(device.request.userName)) ?? [];
    // An earlier one has died, or failed, with the device as good as gone, and a deployment has made its seed current.
    const isBridgeAlone = enabled.includes(bridge.serialNumber) && !enabled.includes(device.serialNumber);
    if (!isBridgeAlone) await reach({ ...device, want: 'proven' }, tools);
    await reach({ ...bridge, ...MADE_ANEW, isInPlace: false }, tools, isBridgeAlone ? {} : NO_DEVICE);
  },

  /** The device is made anew, and its seed current. */
  setSecret: async ({ device, bridge, serving, hasStoredCurrent }, event, tools) => {
    if (serving === device) {
      if (!hasStoredCurrent) throw failures.rotationOvertaken();
      return;
    }
    await reach({ ...bridge, want: 'proven' }, tools);
    await reach({ ...device, want: 'absent' }, tools);
    // A request that came before the device was gone counts on the device.
    const { requestTime, serialNumber } = (await rotationOf(event, tools)).device;
    if (serialNumber !== device.serialNumber) throw failures.rotationOvertaken();
    await reach({ ...device, requestTime, ...MADE_ANEW, rotationToken: event.ClientRequestToken }, tools, NO_DEVICE);
  },

  /** Secrets Manager also sends it alone, to test whether it could rotate. */
  testSecret: async ({ device, serving }, _event, tools) => {
    const { userName } = device.request;
    const { mfaDevices } = tools.portsUntil(deadlineOf(tools), device);
    const enabled = await mfaDevices.enabledFor(userName);
    if (serving !== device || !enabled?.includes(device.serialNumber)) {
      throw failures.notEnabledWithCurrentSeed(device.serialNumber, userName);
    }
  },

  /** The seed is current under the id that Secrets Manager has chosen, and the bridge is gone. */
  finishSecret: async ({ device, bridge, serving, hasStoredCurrent }, event, tools) => {
    if (serving !== device || !hasStoredCurrent) throw failures.rotationOvertaken();
    await reach({ ...device, want: 'proven' }, tools);
    await reach({ ...device, ...UNCHANGED, seedVersionId: event.ClientRequestToken }, tools);
    await reach({ ...bridge, want: 'absent' }, tools);
    await clearPending(event, tools);
  },
};

const UNCHANGED = { want: 'present', isInPlace: true, takesOver: false, formerTagKeys: [] } as const;
/** Presumed, until IAM contradicts. */
const NO_DEVICE = { device: 'absent' } as const;
const MADE_ANEW = { ...UNCHANGED, waitsForSignIn: true } as const;

/** A deployment that makes another version current would leave the label behind. */
async function clearPending(event: RotationEvent, tools: RunTools): Promise<void> {
  await seedStoreOf(event, tools).clearPending(event.ClientRequestToken);
}
