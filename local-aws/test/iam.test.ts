import {
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  DeactivateMFADeviceCommand,
  DeleteVirtualMFADeviceCommand,
  GetRoleCommand,
  GetUserCommand,
  ListUsersCommand,
  ListVirtualMFADevicesCommand,
  PutGroupPolicyCommand,
} from '@aws-sdk/client-iam';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allow, type Clients, createAccessKey } from './callers';
import { ACCOUNT_ID, refusalOf, startStrictAccount, type StrictAccount } from './strict-account';

const ARN = `arn:aws:iam::${ACCOUNT_ID}`;
const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Principal: { AWS: ACCOUNT_ID }, Action: 'sts:AssumeRole' },
});

let account: StrictAccount;
beforeEach(async () => {
  account = await startStrictAccount();
});
afterEach(() => account.close());

describe('a refusal for want of a permission', () => {
  const SerialNumber = `${ARN}:mfa/team/phone`;
  let eve: Clients;
  beforeEach(async () => {
    await account.iam.send(new CreateUserCommand({ UserName: 'Eve' }));
    await account.iam.send(new CreateUserCommand({ UserName: 'Bob', Path: '/team/' }));
    eve = account.as(await createAccessKey(account.iam, 'Eve'));
  });

  it.each<[what: string, action: string, resource: string, call: (clients: Clients) => Promise<unknown>]>([
    [
      'a user by name, as the request spells it, without ARN and path',
      'iam:DeactivateMFADevice',
      'user BOB',
      ({ iam }) => iam.send(new DeactivateMFADeviceCommand({ UserName: 'BOB', SerialNumber })),
    ],
    ['the caller by name', 'iam:GetUser', 'user Eve', ({ iam }) => iam.send(new GetUserCommand({}))],
    ['a role by name', 'iam:GetRole', 'role r', ({ iam }) => iam.send(new GetRoleCommand({ RoleName: 'r' }))],
    [
      'a group by name',
      'iam:PutGroupPolicy',
      'group g',
      ({ iam }) => iam.send(new PutGroupPolicyCommand({ GroupName: 'g', PolicyName: 'p', PolicyDocument: TRUST })),
    ],
    [
      'a device by its whole ARN',
      'iam:DeleteVirtualMFADevice',
      SerialNumber,
      ({ iam }) => iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber })),
    ],
    [
      'a device that does not exist yet by its whole ARN',
      'iam:CreateVirtualMFADevice',
      SerialNumber,
      ({ iam }) => iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: 'phone', Path: '/team/' })),
    ],
    [
      'a user who does not exist yet by the whole ARN',
      'iam:CreateUser',
      `${ARN}:user/team/New`,
      ({ iam }) => iam.send(new CreateUserCommand({ UserName: 'New', Path: '/team/' })),
    ],
    ['all users', 'iam:ListUsers', `${ARN}:user/`, ({ iam }) => iam.send(new ListUsersCommand({}))],
    [
      'all devices',
      'iam:ListVirtualMFADevices',
      `${ARN}:mfa/`,
      ({ iam }) => iam.send(new ListVirtualMFADevicesCommand({})),
    ],
  ])('names %s', async (_what, action, resource, call) => {
    expect(await refusalOf(call(eve))).toEqual({
      code: 'AccessDenied',
      status: 403,
      message: `User: ${ARN}:user/Eve is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
    });
  });

  it('does not come where a policy has the ARN with the path, whatever the spelling in the request', async () => {
    await allow(account.iam, 'Eve', {
      Effect: 'Allow',
      Action: 'iam:CreateAccessKey',
      Resource: `${ARN}:user/team/Bob`,
    });

    await eve.iam.send(new CreateAccessKeyCommand({ UserName: 'BOB' }));
  });
});

describe('users and roles', () => {
  const Tags = [{ Key: 'team', Value: 'red' }];
  let boundary: string;
  beforeEach(async () => {
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: '*', Resource: '*' },
    });
    const { Policy } = await account.iam.send(new CreatePolicyCommand({ PolicyName: 'boundary', PolicyDocument }));
    boundary = Policy?.Arn ?? '';
  });

  it('are answered with their permissions boundary', async () => {
    const settings = { PermissionsBoundary: boundary, Tags };
    const { User } = await account.iam.send(new CreateUserCommand({ UserName: 'Bob', ...settings }));
    const role = { RoleName: 'reader', AssumeRolePolicyDocument: TRUST, ...settings };
    const { Role } = await account.iam.send(new CreateRoleCommand(role));

    const expected = { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: boundary };
    expect([User?.PermissionsBoundary, Role?.PermissionsBoundary]).toEqual([expected, expected]);
    expect([User?.Tags, Role?.Tags]).toEqual([Tags, Tags]);
  });

  it('are listed without tags and permissions boundary', async () => {
    await account.iam.send(new CreateUserCommand({ UserName: 'Bob', PermissionsBoundary: boundary, Tags }));

    const { Users = [] } = await account.iam.send(new ListUsersCommand({}));

    expect(Users.flatMap(Object.keys).sort()).toEqual(['Arn', 'CreateDate', 'Path', 'UserId', 'UserName']);
  });
});
