import { GetUserCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMfaUsersDocument } from '../../bin/mfa-users/read-document';
import { withDefaults } from '../../bin/mfa-users/document';
import { declareStacks } from '../../bin/mfa-users/stacks';
import { createAccessKey, clientsOf } from '../../local-aws/test/callers';
import { DEPLOY, Deployment } from './deployment';

const READ_ONLY = 'arn:aws:iam::aws:policy/ReadOnlyAccess';

/** What mfa-users.json says, deployed: groups, memberships, and the policy that requires MFA. */
describe('groups and enforcement of a users file, deployed', () => {
  let deployment: Deployment;
  let document: object;

  beforeAll(async () => {
    deployment = await Deployment.start({}, (app) => {
      const { Users, Defaults, ...rest } = readMfaUsersDocument('mfa-users.json', JSON.stringify(document));
      const users = Users.map((user) => withDefaults(user, Defaults));
      // One user in each stack: the groups are in the first.
      const stackOf = ({ UserName }: { readonly UserName: string }) => (UserName === 'Bob' ? 1 : 2);
      declareStacks(app, { ...rest, users, stackOf }, { stackId: 'VirtualMfaStack' });
    });
    await deployment.localAws.account.invoke('iam', 'CreateGroup', { GroupName: 'Existing' });
  });
  afterAll(() => deployment.stop());

  async function run(command: readonly string[], change: object): Promise<void> {
    document = change;
    const { exitCode, output } = await deployment.cdk([...command, '--all']);
    expect(exitCode, output).toBe(0);
  }

  const groupsOf = (userName: string) => [...deployment.localAws.iam.users.get(userName).groups].sort();

  const base = {
    Defaults: { CreateUser: true, Groups: ['Everybody'], Issuer: 'Example Corp' },
    Groups: [{ GroupName: 'Everybody', ManagedPolicyArns: [READ_ONLY] }],
  };
  const withBoth = { ...base, Users: [{ UserName: 'Alice', Groups: ['Everybody', 'Existing'] }, { UserName: 'Bob' }] };

  test('users join the groups of the file, in whichever stack they are, and groups that exist', async () => {
    await run(DEPLOY, withBoth);

    expect(groupsOf('Alice')).toEqual(['Everybody', 'Existing']);
    expect(groupsOf('Bob')).toEqual(['Everybody']);
    expect(deployment.enabledFor('Bob')).toHaveLength(1);
    expect(deployment.printed).toContain(
      'VirtualMfaStack.ListDevices = npx --no virtual-mfa list --stack VirtualMfaStack',
    );
  });

  test('Enforcement denies everything without a code, from the deployment on that adds it', async () => {
    const credentials = await createAccessKey(deployment.iam, 'Bob');
    const bob = clientsOf(deployment.localAws, credentials).iam;
    const look = () => bob.send(new GetUserCommand({ UserName: 'Alice' }));
    await expect(look()).resolves.toBeDefined();

    await run(DEPLOY, { ...withBoth, Enforcement: {} });

    await expect(look()).rejects.toThrow('with an explicit deny in an identity-based policy');
    await deployment.localAws.account.invoke('iam', 'DeleteAccessKey', {
      UserName: 'Bob',
      AccessKeyId: credentials.accessKeyId,
    });
  });

  test('a user leaves a group in place, and all of it goes with the stacks', async () => {
    const changed = { ...base, Users: [{ UserName: 'Alice', Groups: ['Existing'] }, { UserName: 'Bob' }] };
    const devices = [deployment.enabledFor('Alice'), deployment.enabledFor('Bob')];
    await run(DEPLOY, changed);

    expect(groupsOf('Alice')).toEqual(['Existing']);
    expect([deployment.enabledFor('Alice'), deployment.enabledFor('Bob')]).toEqual(devices);

    await run(['destroy', '--force'], changed);

    expect(deployment.localAws.iam.groups.all().map(({ name }) => name)).toEqual(['Existing']);
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(0);
  });
});
