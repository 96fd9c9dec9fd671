import type { SeedStore } from '../aws/seed-store';
import { ENROLLMENT_TAG, LOGICAL_ID_TAG, SEED_VERSION_TAG, STACK_ID_TAG, USER_NAME_TAG } from '../contract/own-tags';
import type { VirtualMfaDeviceTag } from '../contract/properties';
import { deviceMark, deviceMarkIn, isOfRotation } from '../contract/seed-version';
import { bridged, bridgeOf, partsOfSerialNumber, serialNumberOf } from '../contract/serial-number';
import { issuerIn } from '../contract/stored-seed';
import type { EnrollmentRequest } from '../device/enrollment-request';
import type { RunTools } from '../device/event-tools';
import type { Goal } from '../device/wanted';
import { failures } from '../failure';
import { requestTimeIn } from '../request-time';
import type { RotationEvent } from './event';

/** How far the rotation of a secret has come. */
export interface Rotation {
  /** The device that is rotated. */
  readonly device: Goal;
  /** The one that serves its user meanwhile. */
  readonly bridge: Goal;
  /** The one of them whose seed is current. */
  readonly serving: Goal;
  /** Whether Secrets Manager has begun this rotation, and not ended it. */
  readonly isPending: boolean;
  /** Whether this rotation has stored the current seed. */
  readonly hasStoredCurrent: boolean;
}

/**
 * Reads from the secret, and from the tags of its device, what an event of CloudFormation would tell: Secrets Manager names the secret, and
 * nothing else.
 *
 * @throws Failure where there is no seed to rotate
 */
export async function rotationOf(event: RotationEvent, tools: RunTools): Promise<Rotation> {
  const { SecretId: seedSecretArn, ClientRequestToken: token } = event;
  const seedStore = seedStoreOf(event, tools);
  const history = await seedStore.history();
  if (!history) throw failures.seedSecretGone(seedSecretArn);
  const { tags, labels, latestVersionId = '' } = history;
  const resourceTags = [STACK_ID_TAG, LOGICAL_ID_TAG].map((Key) => ({ Key, Value: tags.get(Key) ?? '' }));
  const userName = tags.get(USER_NAME_TAG) ?? '';
  const requestTime = requestTimeIn(latestVersionId, tools.clock.now());
  const current = await seedStore.current();
  const serving = current && partsOfSerialNumber(current.stored.serialNumber);
  if (!serving || current.stored.userName !== userName || requestTime === undefined) {
    throw failures.noSeedToRotate(seedSecretArn);
  }

  const { mfaDevices } = tools.portsUntil(deadlineOf(tools), { request: secretOf(event), requestTime });
  const name = bridged(serving.virtualMfaDeviceName) ?? serving.virtualMfaDeviceName;
  const bridgeSerialNumber = serialNumberOf({ ...serving, virtualMfaDeviceName: bridgeOf(name) });
  // Those of the one that is there: the other may not be.
  const servingTags = await mfaDevices.tagsOf(current.stored.serialNumber);
  const deviceTags = [...(servingTags ?? (await mfaDevices.tagsOf(bridgeSerialNumber)) ?? [])];
  const enrollment = deviceTags.find(([key]) => key === ENROLLMENT_TAG)?.[1] ?? '';
  const ownershipTags = [...resourceTags, { Key: ENROLLMENT_TAG, Value: enrollment }];
  const isOwn = (key: string) => key === SEED_VERSION_TAG || ownershipTags.some(({ Key }) => Key === key);
  const othersTags = deviceTags.filter(([key]) => !isOwn(key)).map(([Key, Value]) => ({ Key, Value }));
  const goalOf = (virtualMfaDeviceName: string): Goal => {
    const parts = { ...serving, virtualMfaDeviceName };
    const serialNumber = serialNumberOf(parts);
    const request: EnrollmentRequest = {
      userName,
      path: parts.path,
      virtualMfaDeviceName,
      serialNumber,
      issuer: issuerIn(current.stored.otpauthUri),
      accountId: parts.accountId,
      seedSecretArn,
      seedSecretTags: [...resourceTags, { Key: USER_NAME_TAG, Value: userName }],
      ownershipTags,
      tags: [...ownershipTags, ...othersTags],
    };
    return { request, serialNumber, requestTime };
  };

  const device = goalOf(name);
  const bridge = goalOf(bridgeOf(name));
  const marks = [device, bridge].map(({ serialNumber }) => deviceMark(serialNumber));
  const isOfAnother = (id: string) => id.startsWith(requestTime) && !marks.includes(deviceMarkIn(id) ?? '');
  if ([...labels.keys()].some(isOfAnother)) throw failures.rotationOvertaken();
  return {
    device,
    bridge,
    serving: current.stored.serialNumber === device.serialNumber ? device : bridge,
    isPending: labels.get(token)?.includes('AWSPENDING') ?? false,
    hasStoredCurrent: current.versionId === token || isOfRotation(current.versionId, token),
  };
}

/** The secret as far as Secrets Manager tells it. Whose it is, its tags have yet to tell. */
export function seedStoreOf(event: RotationEvent, tools: RunTools): SeedStore {
  return tools.portsUntil(deadlineOf(tools), { request: secretOf(event), requestTime: '' }).seedStore;
}

/** Kept free before the function is stopped: to say why a step has failed. */
const KEPT_MILLISECONDS = 15_000;

export function deadlineOf({ end }: RunTools): number {
  return end - KEPT_MILLISECONDS;
}

function secretOf({ SecretId }: RotationEvent) {
  const seedSecretTags: readonly VirtualMfaDeviceTag[] = [];
  return { seedSecretArn: SecretId, seedSecretTags };
}
