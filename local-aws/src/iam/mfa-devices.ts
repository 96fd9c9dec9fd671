import { randomBytes } from 'node:crypto';
import { Secret } from 'otpauth';
import { toBuffer } from 'qrcode';
import type { Principal } from '../principal';
import { AwsError } from '../protocol/aws-error';
import type { Actions } from '../service';
import {
  deleteConflict,
  entityAlreadyExists,
  limitExceeded,
  noSuchEntity,
  type User,
  type VirtualMfaDevice,
} from './entities';
import { page, tagContext, tagListOf, tagsOf, setTags } from './inputs';
import type { IamState } from './state';
import { consecutiveTimeSteps, timeStepAt } from './totp';
import { userOf } from './users';

/**
 * Two pixels for each module, one filter for all lines, the fastest compression, and any of the eight masks, all of which can be scanned:
 * to look for better ones takes longer than the rest of the call.
 */
const PNG = {
  scale: 2,
  rendererOpts: { deflateLevel: 1, deflateStrategy: 0, filterType: 0 },
  maskPattern: 0,
} as const;

const MFA_DEVICES_PER_USER = 8;
const VIRTUAL_MFA_DEVICES_PER_ACCOUNT = 5000;
/** How far the later code of a pair may be from the time that the device's clock is thought to show, in time steps. */
const PAIR_RANGE = { behind: 998, ahead: 1000 };
const SEED_BYTES = 40;

/** The MFA actions in full, with AWS's limits and real code verification. */
export function mfaDeviceActions(state: IamState): Actions<'iam'> {
  const { account } = state;
  const arnOf = (devicePath: string, name: string) => account.arn('iam', `mfa${devicePath}${name}`);

  return {
    CreateVirtualMFADevice: {
      takes: ['VirtualMFADeviceName', 'Path', 'Tags'],
      authorize: ({ VirtualMFADeviceName, Path = '/', Tags }) => {
        const resource = arnOf(Path, VirtualMFADeviceName);
        const context = tagContext(Tags, undefined);
        const create = { action: 'iam:CreateVirtualMFADevice', resource, context };
        return Tags ? [create, { ...create, action: 'iam:TagMFADevice' }] : [create];
      },
      run: async ({ VirtualMFADeviceName, Path = '/', Tags }) => {
        const serial = arnOf(Path, VirtualMFADeviceName);
        if (serial.length > 256) {
          throw new AwsError('ValidationError', `The serial number ${serial} would be longer than 256 characters`);
        }
        if ([...state.virtualMfaDevices.keys()].some((other) => other.toLowerCase() === serial.toLowerCase())) {
          throw entityAlreadyExists('MFA device already exists.');
        }
        if (state.virtualMfaDevices.size >= VIRTUAL_MFA_DEVICES_PER_ACCOUNT) {
          throw limitExceeded('VirtualMFADevicesPerAccount', VIRTUAL_MFA_DEVICES_PER_ACCOUNT);
        }
        const seed = new Secret({ buffer: Uint8Array.from(randomBytes(SEED_BYTES)).buffer }).base32;
        const device: VirtualMfaDevice = {
          serialNumber: serial,
          seed,
          tags: tagsOf(Tags, 'case-sensitive'),
          driftTimeSteps: 0,
        };
        state.virtualMfaDevices.set(serial, device);
        return {
          VirtualMFADevice: {
            SerialNumber: serial,
            // The blob's bytes are base32 text, as on AWS; the protocol encodes them in base64 once more.
            Base32StringSeed: Buffer.from(seed, 'ascii'),
            QRCodePNG: await pictureOf(`otpauth://totp/${VirtualMFADeviceName}@${account.accountId}?secret=`, seed),
            ...(device.tags.size > 0 ? { Tags: tagListOf(device.tags) } : {}),
          },
        };
      },
    },

    EnableMFADevice: {
      takes: ['UserName', 'SerialNumber', 'AuthenticationCode1', 'AuthenticationCode2'],
      run: ({ UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2 }, { caller }) => {
        const user = state.users.get(UserName);
        requireMfaToManageOwnDevices(state, user, caller);
        const device = state.device(SerialNumber);
        if (device.assignment?.userName === user.name) {
          throw entityAlreadyExists(`MFA Device for user ${user.name} already exists.`);
        }
        if (device.assignment) throw entityAlreadyExists('MFA Device is already in use.');
        if (state.devicesOf(user.name).length >= MFA_DEVICES_PER_USER) {
          throw limitExceeded('MFADevicesPerUser', MFA_DEVICES_PER_USER);
        }
        synchronize(device, [AuthenticationCode1, AuthenticationCode2], account.now());
        device.assignment = { userName: user.name, enableDate: new Date(account.now()) };
        state.publishBinding(device);
      },
    },

    DeactivateMFADevice: {
      takes: ['UserName', 'SerialNumber'],
      run: ({ UserName, SerialNumber }, call) => {
        const user = userOf(state, UserName, call);
        requireMfaToManageOwnDevices(state, user, call.caller);
        if (state.hardwareMfaDevices.get(SerialNumber)?.assignment.userName === user.name) {
          state.hardwareMfaDevices.delete(SerialNumber);
          return;
        }
        const device = assignedDevice(state, user, SerialNumber);
        delete device.assignment;
        state.publishBinding(device);
      },
    },

    ResyncMFADevice: {
      takes: ['UserName', 'SerialNumber', 'AuthenticationCode1', 'AuthenticationCode2'],
      run: ({ UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2 }) => {
        const device = assignedDevice(state, state.users.get(UserName), SerialNumber);
        synchronize(device, [AuthenticationCode1, AuthenticationCode2], account.now());
        state.publishBinding(device);
      },
    },

    DeleteVirtualMFADevice: {
      takes: ['SerialNumber'],
      run: ({ SerialNumber }) => {
        if (state.device(SerialNumber).assignment) {
          throw deleteConflict('MFA VirtualDevice in use. Must deactivate first.');
        }
        state.virtualMfaDevices.delete(SerialNumber);
      },
    },

    TagMFADevice: {
      takes: ['SerialNumber', 'Tags'],
      run: ({ SerialNumber, Tags }) => void setTags(state.device(SerialNumber).tags, Tags, 'case-sensitive'),
    },

    UntagMFADevice: {
      takes: ['SerialNumber', 'TagKeys'],
      run: ({ SerialNumber, TagKeys }) => {
        const device = state.device(SerialNumber);
        for (const key of TagKeys) device.tags.delete(key);
      },
    },

    ListMFADeviceTags: {
      takes: ['SerialNumber', 'Marker', 'MaxItems'],
      run: ({ SerialNumber, ...paged }) => {
        const { items, ...rest } = page(tagListOf(state.device(SerialNumber).tags), paged);
        return { Tags: items, ...rest };
      },
    },

    GetMFADevice: {
      takes: ['UserName', 'SerialNumber'],
      run: () => {
        throw new AwsError(
          'ValidationError',
          'The MFA device serial number sent in the request is invalid or not supported by this API. Currently, only hardware FIDO security keys are supported. Please use the compatible device or API.',
        );
      },
    },

    ListMFADevices: {
      takes: ['UserName', 'Marker', 'MaxItems'],
      run: ({ UserName, ...paged }, call) => {
        const { items, ...rest } = page(state.devicesOf(userOf(state, UserName, call).name), paged);
        return {
          MFADevices: items.map(({ serialNumber: SerialNumber, assignment }) => ({
            UserName: assignment?.userName,
            SerialNumber,
            EnableDate: assignment?.enableDate,
          })),
          ...rest,
        };
      },
    },

    ListVirtualMFADevices: {
      takes: ['AssignmentStatus', 'Marker', 'MaxItems'],
      authorize: () => ({ action: 'iam:ListVirtualMFADevices', resource: '*', resourceName: arnOf('/', '') }),
      run: ({ AssignmentStatus = 'Any', ...paged }) => {
        const devices = [...state.virtualMfaDevices.values()].filter(
          ({ assignment }) =>
            AssignmentStatus === 'Any' || (AssignmentStatus === 'Assigned') === (assignment !== undefined),
        );
        const { items, ...rest } = page(devices, paged);
        return { VirtualMFADevices: items.map((device) => listed(state, device)), ...rest };
      },
    },
  };
}

/**
 * Who has a device and signs in without it may neither add nor remove own devices, whatever the policies say.
 *
 * @see https://aws.amazon.com/security/security-bulletins/AWS-2023-001/
 */
function requireMfaToManageOwnDevices(state: IamState, user: User, caller: Principal): void {
  const isOwn = caller.type === 'user' && caller.userId === user.id;
  if (!isOwn || caller.multiFactorAuthPresent || state.devicesOf(user.name).length === 0) return;
  throw new AwsError(
    'AccessDenied',
    'To complete this action, please ensure that you are authenticated with an MFA device that is enabled for this user.',
    403,
  );
}

function assignedDevice(state: IamState, user: User, serial: string): VirtualMfaDevice {
  const device = state.device(serial);
  if (device.assignment?.userName !== user.name) throw noSuchEntity('MFA Device invalid for user.');
  return device;
}

/** Takes two consecutive codes that are newer than every pair before, and learns from them what the device's clock shows. */
function synchronize(device: VirtualMfaDevice, codes: readonly [string, string], now: number): void {
  const expected = timeStepAt(now) + device.driftTimeSteps;
  const timeStep = consecutiveTimeSteps(device.seed, codes, expected, PAIR_RANGE);
  if (timeStep === undefined || timeStep - 1 <= (device.lastPairTimeStep ?? -1)) {
    throw new AwsError('InvalidAuthenticationCode', 'Authentication code for device is not valid.', 403);
  }
  device.lastPairTimeStep = timeStep;
  device.driftTimeSteps = timeStep - timeStepAt(now);
}

function listed(
  state: IamState,
  { serialNumber: SerialNumber, assignment }: VirtualMfaDevice,
): Record<string, unknown> {
  const user = assignment && state.users.get(assignment.userName);
  return {
    SerialNumber,
    ...(assignment && user
      ? {
          EnableDate: assignment.enableDate,
          User: state.listedUser(user),
        }
      : {}),
  };
}

/** The QR code of a key URI, which ends with the seed. Its parts are given apart: the best split of a text takes long to find. */
async function pictureOf(uriBefore: string, seed: string): Promise<Buffer> {
  return toBuffer(
    [
      { data: Buffer.from(uriBefore), mode: 'byte' },
      { data: seed, mode: 'alphanumeric' },
    ],
    PNG,
  );
}
