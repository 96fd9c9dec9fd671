import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOGICAL_ID_TAG, STACK_ID_TAG } from '../../lambda/contract/own-tags';
import { ACCOUNT_ID, iamWrites, STACK_ID } from './handler-stack';
import { Lifecycle, type Run } from './lifecycle';
import { Subject } from './subject';

const USER_LOGICAL_ID = 'Bob1A2B3C';
const WITH_USER = { RemoveOtherDevicesWithUser: USER_LOGICAL_ID };

/** Users who enrolled devices by hand, beside the one that the stack declares. */
describe('a Delete with removeOtherDevicesWithUser', () => {
  let lifecycle: Lifecycle;
  beforeAll(async () => {
    lifecycle = await Lifecycle.start();
  });
  afterAll(() => lifecycle.close());

  const phoneOf = ({ userName }: Subject) => `arn:aws:iam::${ACCOUNT_ID}:mfa/phone-of-${userName}`;
  const tokenOf = ({ userName }: Subject) => `GAHT-${userName}`;
  const passkeyOf = ({ userName }: Subject) => `arn:aws:iam::${ACCOUNT_ID}:u2f/user/${userName}/key-ABCDEFGHIJ`;
  const deleteUser = (subject: Subject) => subject.administrate('iam', 'DeleteUser', { UserName: subject.userName });

  async function userWithThreeOthers(): Promise<Subject> {
    const subject = await Subject.in(lifecycle);
    const { answer } = await subject.create(WITH_USER);
    expect(answer.Status).toBe('SUCCESS');
    subject.foreignDevice(phoneOf(subject), { enabledFor: subject.userName, tags: [['phone', 'old']] });
    subject.aws.iam.enableHardwareDevice(subject.userName, tokenOf(subject));
    subject.aws.iam.enableHardwareDevice(subject.userName, passkeyOf(subject));
    lifecycle.declareUsers(USER_LOGICAL_ID, 'Eve');
    return subject;
  }

  function deleteWhile(subject: Subject, status: string, properties: object = WITH_USER): Promise<Run> {
    lifecycle.stack.enter(status, undefined);
    return subject.delete(subject.serialNumber(), { ...properties });
  }

  const namesEach = ({ logLines }: Run, serialNumbers: readonly string[]) =>
    serialNumbers.every((serialNumber) =>
      logLines.some((line) => line.includes('because the stack deletes its user') && line.includes(serialNumber)),
    );

  it('removes every other device while the stack is being deleted, and then the user can go', async () => {
    const subject = await userWithThreeOthers();

    const run = await deleteWhile(subject, 'DELETE_IN_PROGRESS');

    expect(run.answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: subject.serialNumber() });
    expect(subject.enabledFor()).toEqual([]);
    expect(subject.device(phoneOf(subject))).toBeUndefined();
    expect(namesEach(run, [phoneOf(subject), tokenOf(subject), passkeyOf(subject)])).toBe(true);
    await expect(deleteUser(subject)).resolves.toBeDefined();
  });

  it('marks a virtual device before it deactivates and deletes it, and only deactivates the others', async () => {
    const subject = await userWithThreeOthers();

    const { actions } = await deleteWhile(subject, 'DELETE_IN_PROGRESS');

    expect(iamWrites(actions)).toEqual([
      'iam:DeactivateMFADevice',
      'iam:DeleteVirtualMFADevice',
      'iam:TagMFADevice',
      'iam:DeactivateMFADevice',
      'iam:DeleteVirtualMFADevice',
      'iam:DeactivateMFADevice',
      'iam:DeactivateMFADevice',
    ]);
  });

  it('removes them too where an update has removed the user from the template', async () => {
    const subject = await userWithThreeOthers();
    lifecycle.declareUsers('Eve');

    await deleteWhile(subject, 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');

    await expect(deleteUser(subject)).resolves.toBeDefined();
  });

  it.each([
    ['the clean-up after a replacement, with the user in the template', 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', true],
    ['a rollback of an update', 'UPDATE_ROLLBACK_IN_PROGRESS', false],
    ['the clean-up after a rollback', 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS', false],
    ['a rollback of a creation', 'ROLLBACK_IN_PROGRESS', false],
    ['an update', 'UPDATE_IN_PROGRESS', false],
    ['an event that runs again after the clean-up', 'UPDATE_COMPLETE', false],
    ['an event that runs again after the stack was deleted', 'DELETE_COMPLETE', false],
  ])('leaves them during %s', async (_name, status, isDeclared) => {
    const subject = await userWithThreeOthers();
    if (!isDeclared) lifecycle.declareUsers('Eve');

    const run = await deleteWhile(subject, status);

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([]);
    expect(subject.enabledFor()).toEqual([phoneOf(subject), tokenOf(subject), passkeyOf(subject)]);
    expect(subject.device(phoneOf(subject))?.tags).toEqual(new Map([['phone', 'old']]));
    expect(run.logLines.join('')).toContain('The user stays, and so do its other devices');
  });

  it('does not even ask without the option, and IAM refuses to delete the user', async () => {
    const subject = await userWithThreeOthers();

    const { actions } = await deleteWhile(subject, 'DELETE_IN_PROGRESS', {});

    expect(actions.filter((action) => action.startsWith('cloudformation:'))).toEqual([]);
    expect(subject.enabledFor()).toHaveLength(3);
    await expect(deleteUser(subject)).rejects.toMatchObject({ code: 'DeleteConflict' });
  });

  it('leaves them where the template cannot be read', async () => {
    const subject = await userWithThreeOthers();
    const { definition } = lifecycle.stack;
    if (!definition) throw new Error('The stack has no template');
    lifecycle.stack.definition = { ...definition, templateBody: 'Resources: {}' };

    const run = await deleteWhile(subject, 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.enabledFor()).toHaveLength(3);
    expect(run.logLines.join('')).toContain("The user's other devices were left as they are");
  });

  it('leaves the devices of other stacks, and of other resources of the stack', async () => {
    const subject = await userWithThreeOthers();
    const declared = { ofStack: `${phoneOf(subject)}-1`, ofResource: `${phoneOf(subject)}-2` };
    subject.foreignDevice(declared.ofStack, { enabledFor: subject.userName });
    const ownStack: [string, string] = [STACK_ID_TAG, STACK_ID];
    subject.foreignDevice(declared.ofResource, {
      enabledFor: subject.userName,
      tags: [ownStack, [LOGICAL_ID_TAG, 'OtherMfa']],
    });

    const run = await deleteWhile(subject, 'DELETE_IN_PROGRESS');

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.enabledFor()).toEqual([declared.ofStack, declared.ofResource]);
    const said = run.logLines.filter((line) => line.includes("its tags say that it is someone else's"));
    expect(said).toHaveLength(2);
  });

  it('also removes a device of its own that an earlier clean-up left behind', async () => {
    const subject = await userWithThreeOthers();
    const left = `${phoneOf(subject)}-of-an-earlier-rotation`;
    subject.foreignDevice(left, {
      enabledFor: subject.userName,
      tags: [
        [STACK_ID_TAG, STACK_ID],
        [LOGICAL_ID_TAG, subject.logicalId],
      ],
    });

    await deleteWhile(subject, 'DELETE_IN_PROGRESS');

    await expect(deleteUser(subject)).resolves.toBeDefined();
  });

  it('goes on with the others where one cannot be removed, and says why', async () => {
    const subject = await userWithThreeOthers();
    // IAM takes 50 tags at most, so that the mark has no place.
    const tags = Array.from({ length: 50 }, (_, index): [string, string] => [`tag-${index}`, 'x']);
    subject.foreignDevice(phoneOf(subject), { enabledFor: subject.userName, tags });

    const run = await deleteWhile(subject, 'DELETE_IN_PROGRESS');

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.enabledFor()).toEqual([phoneOf(subject)]);
    const line = run.logLines.find((each) => each.includes('"leftBecause"')) ?? '';
    expect(line).toContain(phoneOf(subject));
    expect(line).toContain('LimitExceeded');
  });

  it('leaves them where a made-up event names another stack, which is being deleted: the role may not read it', async () => {
    const subject = await userWithThreeOthers();
    const another = await lifecycle.ofAnotherStack();
    another.stack.enter('DELETE_IN_PROGRESS', undefined);
    const event = subject.event({ RequestType: 'Delete', PhysicalResourceId: subject.serialNumber() }, WITH_USER);

    const run = await lifecycle.run({ ...event, StackId: another.stackId });

    expect(run.logLines.join('')).toContain('may not call cloudformation:DescribeStacks');
    expect(subject.enabledFor()).toEqual(expect.arrayContaining([phoneOf(subject), tokenOf(subject)]));
    expect(subject.enabledFor()).toHaveLength(4);
  });

  it('leaves the devices of a user who is not in the stack, whom a made-up event names: the role may not list them', async () => {
    const subject = await userWithThreeOthers();
    const UserName = 'Stranger';
    await subject.administrate('iam', 'CreateUser', { UserName });
    await deleteWhile(subject, 'UPDATE_IN_PROGRESS');
    subject.foreignDevice(`${phoneOf(subject)}-stranger`, { enabledFor: UserName, tags: [] });

    const run = await deleteWhile(subject, 'DELETE_IN_PROGRESS', { ...WITH_USER, UserName });

    expect(run.logLines.join('')).toContain('may not call iam:ListMFADevices');
    expect(subject.enabledFor(UserName)).toEqual([`${phoneOf(subject)}-stranger`]);
  });

  it('does the same for a duplicate of the event', async () => {
    const subject = await userWithThreeOthers();
    lifecycle.stack.enter('DELETE_IN_PROGRESS', undefined);

    const event = subject.event({ RequestType: 'Delete', PhysicalResourceId: subject.serialNumber() }, WITH_USER);
    const runs = await Promise.all([lifecycle.run(event), lifecycle.run(event)]);

    expect(runs.map(({ answer }) => answer.Status)).toEqual(['SUCCESS', 'SUCCESS']);
    expect(subject.enabledFor()).toEqual([]);
    expect(subject.device(phoneOf(subject))).toBeUndefined();
  });

  it('refuses a logical id that CloudFormation cannot have', async () => {
    const subject = await Subject.in(lifecycle);

    const { answer } = await subject.create({ RemoveOtherDevicesWithUser: 'not-a-logical-id' });

    expect(answer.Status).toBe('FAILED');
    expect(answer.Reason).toContain('removeOtherDevicesWithUser');
  });
});
