import {
  CreateLoginProfileCommand,
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  DeactivateMFADeviceCommand,
  DeleteUserCommand,
  DeleteVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  ListMFADevicesCommand,
  ListMFADeviceTagsCommand,
  ListVirtualMFADevicesCommand,
  paginateListMFADevices,
  paginateListVirtualMFADevices,
  ResyncMFADeviceCommand,
  TagMFADeviceCommand,
  UntagMFADeviceCommand,
} from '@aws-sdk/client-iam';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QrDecoder } from '../../test/bin/virtual-mfa/qr-decoder';
import {
  ACCOUNT_ID,
  codeAt,
  codesAt,
  createDevice,
  createUserWithDevice,
  type Device,
  NOON,
  refusalOf,
  startStrictAccount,
  STEP,
  type StrictAccount,
  wrongCode,
} from './strict-account';

let account: StrictAccount;

beforeEach(async () => {
  account = await startStrictAccount();
});

afterEach(() => account.close());

const create = (VirtualMFADeviceName: string, Path?: string) =>
  account.iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName, Path }));
const enable = (
  UserName: string,
  { serialNumber, seed }: Device,
  [first, second]: readonly [number, number] = [-1, 0],
  moment = account.now(),
) =>
  account.iam.send(
    new EnableMFADeviceCommand({ UserName, SerialNumber: serialNumber, ...codesAt(seed, moment, first, second) }),
  );
const deactivate = (UserName: string, { serialNumber: SerialNumber }: Device) =>
  account.iam.send(new DeactivateMFADeviceCommand({ UserName, SerialNumber }));
const createUser = (UserName: string) => account.iam.send(new CreateUserCommand({ UserName }));
const devicesOf = async (UserName: string) =>
  (await account.iam.send(new ListMFADevicesCommand({ UserName }))).MFADevices ?? [];

const NOT_VALID = {
  code: 'InvalidAuthenticationCode',
  status: 403,
  message: 'Authentication code for device is not valid.',
};

describe('CreateVirtualMFADevice', () => {
  it('answers the serial number, a seed whose bytes are 64 base32 characters, and a QR code', async () => {
    const { VirtualMFADevice: device } = await create('bob');
    expect(device?.SerialNumber).toBe(`arn:aws:iam::${ACCOUNT_ID}:mfa/bob`);
    expect(Buffer.from(device?.Base32StringSeed ?? []).toString('ascii')).toMatch(/^[A-Z2-7]{64}$/);
    const seed = Buffer.from(device?.Base32StringSeed ?? []).toString('ascii');
    const scanned = await (await QrDecoder.load()).readPng(device?.QRCodePNG ?? new Uint8Array());
    // As AWS documents it.
    expect(scanned).toBe(`otpauth://totp/bob@${ACCOUNT_ID}?secret=${seed}`);
    expect(device).not.toHaveProperty('User');
    expect(device).not.toHaveProperty('EnableDate');
  });

  it('gives no two devices the same seed', async () => {
    const seeds = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (name) => (await createDevice(account.iam, name)).seed),
    );
    expect(new Set(seeds).size).toBe(4);
  });

  it('makes the path part of the serial number', async () => {
    const { VirtualMFADevice: device } = await create('bob', '/division/team/');
    expect(device?.SerialNumber).toBe(`arn:aws:iam::${ACCOUNT_ID}:mfa/division/team/bob`);
  });

  it('refuses a name that is there already, in whatever case, and takes it under another path', async () => {
    await create('Bob');
    for (const name of ['Bob', 'bob']) {
      expect(await refusalOf(create(name))).toEqual({
        code: 'EntityAlreadyExists',
        status: 409,
        message: 'MFA device already exists.',
      });
    }
    await create('Bob', '/other/');
  });

  it.each(['b ob', 'bob/eve', 'bob\n', ''])('refuses a name as AWS words it: %j', async (name) => {
    expect(await refusalOf(create(name))).toEqual({
      code: 'ValidationError',
      status: 400,
      message:
        'The specified value for virtualMFADeviceName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-',
    });
  });

  it('takes serial numbers of up to 256 characters and none that are longer', async () => {
    const { VirtualMFADevice: device } = await create('b'.repeat(226));
    expect(device?.SerialNumber).toHaveLength(256);
    for (const [name, path] of [
      ['b'.repeat(226), '/p/'],
      ['b'.repeat(227), '/'],
    ] as const) {
      expect(await refusalOf(create(name, path))).toMatchObject({ code: 'ValidationError', status: 400 });
    }
  });

  it('takes 50 tags and no more, no reserved keys, and no key twice', async () => {
    const tags = (count: number) => Array.from({ length: count }, (_, index) => ({ Key: `k${index}`, Value: '' }));
    const tagged = (VirtualMFADeviceName: string, Tags: { Key: string; Value: string }[]) =>
      account.iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName, Tags }));
    await tagged('fifty', tags(50));
    expect(await refusalOf(tagged('more', tags(51)))).toEqual({
      code: 'ValidationError',
      status: 400,
      message:
        "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50",
    });
    const SerialNumber = `arn:aws:iam::${ACCOUNT_ID}:mfa/fifty`;
    const another = new TagMFADeviceCommand({ SerialNumber, Tags: [{ Key: 'k50', Value: '' }] });
    expect(await refusalOf(account.iam.send(another))).toMatchObject({ code: 'LimitExceeded', status: 409 });
    expect(await refusalOf(tagged('reserved', [{ Key: 'aws:x', Value: '' }]))).toMatchObject({ code: 'InvalidInput' });
    const twice = { Key: 'team', Value: 'a' };
    expect(await refusalOf(tagged('twice', [twice, twice]))).toMatchObject({
      code: 'InvalidInput',
      message: 'Duplicate tag keys found.',
    });
    const { VirtualMFADevices = [] } = await account.iam.send(new ListVirtualMFADevicesCommand({}));
    expect(VirtualMFADevices.map(({ SerialNumber }) => SerialNumber)).toEqual([`arn:aws:iam::${ACCOUNT_ID}:mfa/fifty`]);
  });

  it('stops at 5000 devices in an account', async () => {
    const { virtualMfaDevices } = account.localAws.iam;
    for (let index = 0; index < 5000; index += 1) {
      const serialNumber = `arn:aws:iam::${ACCOUNT_ID}:mfa/d${index}`;
      virtualMfaDevices.set(serialNumber, { serialNumber, seed: 'A'.repeat(64), tags: new Map(), driftTimeSteps: 0 });
    }
    expect(await refusalOf(create('one-more'))).toEqual({
      code: 'LimitExceeded',
      status: 409,
      message: 'Cannot exceed quota for VirtualMFADevicesPerAccount: 5000',
    });
  });

  it('names its partition', async () => {
    const china = await startStrictAccount({ partition: 'aws-cn', region: 'cn-north-1' });
    const { serialNumber } = await createDevice(china.iam, 'bob');
    await china.close();
    expect(serialNumber).toBe(`arn:aws-cn:iam::${ACCOUNT_ID}:mfa/bob`);
  });
});

describe('EnableMFADevice', () => {
  let device: Device;

  beforeEach(async () => {
    await createUser('Bob');
    device = await createDevice(account.iam, 'bob');
  });

  it.each([
    ['the previous and the current one', -1, 0],
    ['the current and the next one', 0, 1],
    ['the latest that it finds', 999, 1000],
    ['the earliest that it finds', -999, -998],
  ])('takes the codes of two consecutive time steps: %s', async (_case, first, second) => {
    await enable('Bob', device, [first, second]);
    expect(await devicesOf('Bob')).toEqual([
      { UserName: 'Bob', SerialNumber: device.serialNumber, EnableDate: new Date(NOON) },
    ]);
  });

  it.each([
    ['swapped', 0, -1],
    ['the same twice', 0, 0],
    ['not consecutive', -1, 1],
    ['too old', -1000, -999],
    ['too far ahead', 1000, 1001],
  ])('refuses codes that are %s', async (_case, first, second) => {
    expect(await refusalOf(enable('Bob', device, [first, second]))).toEqual(NOT_VALID);
    expect(await devicesOf('Bob')).toEqual([]);
  });

  it('refuses one wrong code among two, and the codes of another device', async () => {
    const wrong = wrongCode(device.seed, account.now());
    const [previous, current] = [codeAt(device.seed, account.now() - STEP), codeAt(device.seed, account.now())];
    for (const [AuthenticationCode1, AuthenticationCode2] of [
      [wrong, current],
      [previous, wrong],
    ]) {
      const codes = { AuthenticationCode1, AuthenticationCode2 };
      const command = new EnableMFADeviceCommand({ UserName: 'Bob', SerialNumber: device.serialNumber, ...codes });
      expect(await refusalOf(account.iam.send(command))).toEqual(NOT_VALID);
    }
    const other = await createDevice(account.iam, 'other');
    expect(await refusalOf(enable('Bob', { ...device, seed: other.seed }))).toEqual(NOT_VALID);
    await enable('Bob', device);
  });

  it('keeps the leading zeros of a code', async () => {
    // A step whose code begins with a zero comes soon enough.
    while (!codeAt(device.seed, account.now()).startsWith('0')) account.pass(STEP);
    await enable('Bob', device);
  });

  it.each([
    ['12345', 'have length greater than or equal to 6'],
    ['1234567', 'have length less than or equal to 6'],
    ['12345a', 'satisfy regular expression pattern: [\\d]+'],
  ])('refuses the code %s as AWS words it', async (code, constraint) => {
    const command = new EnableMFADeviceCommand({
      UserName: 'Bob',
      SerialNumber: device.serialNumber,
      AuthenticationCode1: '000000',
      AuthenticationCode2: code,
    });
    expect(await refusalOf(account.iam.send(command))).toEqual({
      code: 'ValidationError',
      status: 400,
      message: `1 validation error detected: Value at 'authenticationCode2' failed to satisfy constraint: Member must ${constraint}`,
    });
  });

  it('refuses codes again that a device was enabled with, and takes those that follow', async () => {
    await enable('Bob', device);
    await deactivate('Bob', device);
    expect(await refusalOf(enable('Bob', device))).toEqual(NOT_VALID);
    expect(await refusalOf(enable('Bob', device, [0, 1]))).toEqual(NOT_VALID);
    await enable('Bob', device, [1, 2]);
    expect(await devicesOf('Bob')).toHaveLength(1);
  });

  it('refuses a device that is in use, whoever uses it', async () => {
    await createUser('Eve');
    await enable('Bob', device);
    account.pass(2 * STEP);
    for (const [user, message] of [
      ['Bob', 'MFA Device for user Bob already exists.'],
      ['Eve', 'MFA Device is already in use.'],
    ] as const) {
      expect(await refusalOf(enable(user, device))).toEqual({ code: 'EntityAlreadyExists', status: 409, message });
    }
    expect(await devicesOf('Eve')).toEqual([]);
  });

  it('stops at eight devices of a user', async () => {
    for (let index = 0; index < 8; index += 1) await enable('Bob', await createDevice(account.iam, `bob-${index}`));
    expect(await refusalOf(enable('Bob', device))).toEqual({
      code: 'LimitExceeded',
      status: 409,
      message: 'Cannot exceed quota for MFADevicesPerUser: 8',
    });
    expect(await devicesOf('Bob')).toHaveLength(8);
  });

  it('knows no unknown user and no unknown device', async () => {
    expect(await refusalOf(enable('Nobody', device))).toEqual({
      code: 'NoSuchEntity',
      status: 404,
      message: 'The user with name Nobody cannot be found.',
    });
    const serialNumber = `arn:aws:iam::${ACCOUNT_ID}:mfa/none`;
    expect(await refusalOf(enable('Bob', { ...device, serialNumber }))).toEqual({
      code: 'NoSuchEntity',
      status: 404,
      message: `MFA Device with serial number ${serialNumber} does not exist.`,
    });
  });
});

describe('DeactivateMFADevice and DeleteVirtualMFADevice', () => {
  it('delete a device only once it is deactivated, and a user only once the device is gone', async () => {
    const device = await createUserWithDevice(account, 'Bob');
    const { serialNumber: SerialNumber } = device;
    const deletion = () => account.iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber }));
    const userDeletion = () => account.iam.send(new DeleteUserCommand({ UserName: 'Bob' }));
    expect(await refusalOf(deletion())).toMatchObject({ code: 'DeleteConflict', status: 409 });
    expect(await refusalOf(userDeletion())).toEqual({
      code: 'DeleteConflict',
      status: 409,
      message: 'Cannot delete entity, must remove tokens from principal first.',
    });
    await deactivate('Bob', device);
    await userDeletion();
    await deletion();
    expect(await refusalOf(deletion())).toMatchObject({ code: 'NoSuchEntity', status: 404 });
    await create('Bob');
  });

  it('deactivates only for the user who has the device', async () => {
    const device = await createUserWithDevice(account, 'Bob');
    await createUser('Eve');
    expect(await refusalOf(deactivate('Eve', device))).toMatchObject({ code: 'NoSuchEntity', status: 404 });
    expect(await refusalOf(deactivate('Nobody', device))).toMatchObject({ code: 'NoSuchEntity', status: 404 });
    await deactivate('Bob', device);
    expect(await refusalOf(deactivate('Bob', device))).toMatchObject({ code: 'NoSuchEntity', status: 404 });
    expect(await devicesOf('Bob')).toEqual([]);
  });

  it('knows a hardware token only while it is enabled', async () => {
    const token = { serialNumber: 'GAHT12345678', seed: '' };
    await createUser('Bob');
    await createUser('Eve');
    account.localAws.iam.enableHardwareDevice('Bob', token.serialNumber);

    expect(await devicesOf('Bob')).toMatchObject([{ UserName: 'Bob', SerialNumber: token.serialNumber }]);
    const { VirtualMFADevices } = await account.iam.send(new ListVirtualMFADevicesCommand({}));
    expect(VirtualMFADevices).toEqual([]);
    const deleteBob = () => account.iam.send(new DeleteUserCommand({ UserName: 'Bob' }));
    expect(await refusalOf(deleteBob())).toMatchObject({ code: 'DeleteConflict', status: 409 });
    expect(await refusalOf(deactivate('Eve', token))).toMatchObject({ code: 'NoSuchEntity', status: 404 });

    await deactivate('Bob', token);

    expect(await devicesOf('Bob')).toEqual([]);
    expect(await refusalOf(deactivate('Bob', token))).toMatchObject({ code: 'NoSuchEntity', status: 404 });
    await deleteBob();
  });

  it('keep a user who has a login profile', async () => {
    await createUser('Bob');
    await account.iam.send(new CreateLoginProfileCommand({ UserName: 'Bob', Password: 'correct horse' }));
    expect(await refusalOf(account.iam.send(new DeleteUserCommand({ UserName: 'Bob' })))).toMatchObject({
      code: 'DeleteConflict',
    });
  });
});

describe('ResyncMFADevice', () => {
  const resync = (device: Device, steps: readonly [number, number], UserName = 'Bob') =>
    account.iam.send(
      new ResyncMFADeviceCommand({
        UserName,
        SerialNumber: device.serialNumber,
        ...codesAt(device.seed, account.now(), ...steps),
      }),
    );

  it('finds a device whose clock runs ahead, and looks for it around there the next time, also after it was deactivated', async () => {
    const device = await createUserWithDevice(account, 'Bob');
    await resync(device, [999, 1000]);
    expect(await refusalOf(resync(device, [999, 1000]))).toEqual(NOT_VALID);
    await deactivate('Bob', device);
    expect(await refusalOf(enable('Bob', device, [2000, 2001]))).toEqual(NOT_VALID);
    await enable('Bob', device, [1999, 2000]);
  });

  it('refuses what is no pair of consecutive codes, or lies before the last code that was used', async () => {
    const device = await createUserWithDevice(account, 'Bob');
    for (const steps of [
      [3, 2],
      [2, 4],
      [1000, 1001],
      [0, 1],
      [-1, 0],
      [-10, -9],
    ] as const) {
      expect(await refusalOf(resync(device, steps))).toEqual(NOT_VALID);
    }
  });

  it('knows only devices that the user has', async () => {
    const device = await createUserWithDevice(account, 'Bob');
    await createUser('Eve');
    expect(await refusalOf(resync(device, [1, 2], 'Eve'))).toMatchObject({ code: 'NoSuchEntity', status: 404 });
    const unassigned = await createDevice(account.iam, 'unassigned');
    expect(await refusalOf(resync(unassigned, [0, 1]))).toMatchObject({ code: 'NoSuchEntity', status: 404 });
  });
});

describe('lists of devices', () => {
  it('tell assigned from unassigned ones, and never a seed', async () => {
    const { serialNumber } = await createUserWithDevice(account, 'Bob');
    const unassigned = await createDevice(account.iam, 'spare');
    const list = async (AssignmentStatus?: 'Assigned' | 'Unassigned' | 'Any') => {
      const command = new ListVirtualMFADevicesCommand({ AssignmentStatus });
      return (await account.iam.send(command)).VirtualMFADevices ?? [];
    };
    expect((await list('Assigned')).map(({ SerialNumber }) => SerialNumber)).toEqual([serialNumber]);
    expect(await list('Unassigned')).toEqual([{ SerialNumber: unassigned.serialNumber }]);
    expect(await list()).toEqual(await list('Any'));
    const [assigned] = await list('Assigned');
    expect(assigned?.EnableDate).toEqual(new Date(NOON));
    expect(assigned?.User).toMatchObject({ UserName: 'Bob', Path: '/', Arn: `arn:aws:iam::${ACCOUNT_ID}:user/Bob` });
    for (const listed of await list()) {
      expect(listed).not.toHaveProperty('Base32StringSeed');
      expect(listed).not.toHaveProperty('QRCodePNG');
    }
    const invalid = new ListVirtualMFADevicesCommand({ AssignmentStatus: 'Some' as 'Any' });
    expect(await refusalOf(account.iam.send(invalid))).toMatchObject({
      code: 'ValidationError',
      message: expect.stringContaining('satisfy enum value set: [Assigned, Unassigned, Any]') as string,
    });
  });

  it('are empty lists where there is nothing, and refuse users that do not exist', async () => {
    await createUser('Bob');
    expect(await devicesOf('Bob')).toEqual([]);
    expect((await account.iam.send(new ListVirtualMFADevicesCommand({}))).VirtualMFADevices).toEqual([]);
    expect(await refusalOf(devicesOf('Nobody'))).toMatchObject({ code: 'NoSuchEntity', status: 404 });
  });

  it('come in pages that together are the whole', async () => {
    for (let index = 0; index < 7; index += 1) await createDevice(account.iam, `d${index}`);
    const pages: number[] = [];
    const serials = new Set<string | undefined>();
    for await (const page of paginateListVirtualMFADevices({ client: account.iam, pageSize: 3 }, {})) {
      pages.push(page.VirtualMFADevices?.length ?? 0);
      for (const { SerialNumber } of page.VirtualMFADevices ?? []) serials.add(SerialNumber);
    }
    expect(pages).toEqual([3, 3, 1]);
    expect(serials.size).toBe(7);

    await createUser('Bob');
    for (let index = 0; index < 3; index += 1) await enable('Bob', await createDevice(account.iam, `bob${index}`));
    let found = 0;
    for await (const page of paginateListMFADevices({ client: account.iam, pageSize: 1 }, { UserName: 'Bob' })) {
      expect(page.MFADevices).toHaveLength(1);
      found += 1;
    }
    expect(found).toBe(3);
  });

  it('refuse a marker that no list gave, and a page of no items', async () => {
    const list = (input: { Marker?: string; MaxItems?: number }) =>
      account.iam.send(new ListVirtualMFADevicesCommand(input));
    expect(await refusalOf(list({ Marker: 'mine' }))).toMatchObject({ code: 'ValidationError', status: 400 });
    expect((await refusalOf(list({ MaxItems: 0 }))).message).toContain('have value greater than or equal to 1');
    expect((await refusalOf(list({ MaxItems: 1001 }))).message).toContain('have value less than or equal to 1000');
  });
});

describe('tags of a device', () => {
  it('are added, replaced, removed and listed', async () => {
    const { serialNumber: SerialNumber } = await createDevice(account.iam, 'bob');
    const tags = async () => (await account.iam.send(new ListMFADeviceTagsCommand({ SerialNumber }))).Tags;
    expect(await tags()).toEqual([]);
    const first = { Key: 'team', Value: 'a @ b' };
    await account.iam.send(new TagMFADeviceCommand({ SerialNumber, Tags: [first, { Key: 'empty', Value: '' }] }));
    await account.iam.send(new TagMFADeviceCommand({ SerialNumber, Tags: [{ Key: 'team', Value: 'c' }] }));
    expect(await tags()).toEqual([
      { Key: 'team', Value: 'c' },
      { Key: 'empty', Value: '' },
    ]);
    await account.iam.send(new UntagMFADeviceCommand({ SerialNumber, TagKeys: ['team', 'absent'] }));
    expect(await tags()).toEqual([{ Key: 'empty', Value: '' }]);
  });

  it('have keys that differ in case alone, unlike those of users', async () => {
    const Tags = [
      { Key: 'team', Value: 'a' },
      { Key: 'Team', Value: 'b' },
    ];
    const { serialNumber: SerialNumber } = await createDevice(account.iam, 'bob');
    await account.iam.send(new TagMFADeviceCommand({ SerialNumber, Tags }));
    expect((await account.iam.send(new ListMFADeviceTagsCommand({ SerialNumber }))).Tags).toEqual(Tags);
    expect(await refusalOf(account.iam.send(new CreateUserCommand({ UserName: 'Bob', Tags })))).toMatchObject({
      code: 'InvalidInput',
      message: 'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
    });
  });

  it('are refused for a device that does not exist, and with characters that tags cannot have', async () => {
    const SerialNumber = `arn:aws:iam::${ACCOUNT_ID}:mfa/none`;
    const tag = (serial: string, Key: string) =>
      account.iam.send(new TagMFADeviceCommand({ SerialNumber: serial, Tags: [{ Key, Value: '' }] }));
    expect(await refusalOf(tag(SerialNumber, 'team'))).toMatchObject({ code: 'NoSuchEntity', status: 404 });
    const { serialNumber } = await createDevice(account.iam, 'bob');
    expect(await refusalOf(tag(serialNumber, 'a&b'))).toMatchObject({
      code: 'ValidationError',
      message: expect.stringContaining("Value at 'tags.1.member.key'") as string,
    });
  });
});
