import type { StackEvent } from '@aws-sdk/client-cloudformation';
import { DescribeSecretCommand, TagResourceCommand } from '@aws-sdk/client-secrets-manager';
import { RETIRED_TAG } from '../../../lambda/contract/own-tags';
import { CouldNotBeTried, DidNotHold } from '../finding';
import type { Probe } from '../probe';
import { GONE, isNamed } from '../probed-account';
import { echo, policy, ProbedStack, type Resources } from '../probed-stack';
import { CONSISTENCY_MILLISECONDS } from '../product-role';

/** What lambda/custom-resource/event.ts takes. */
const REQUEST_ID = /^[\w-]{1,128}$/;
const STACK_ID = /^arn:[\w-]+:cloudformation:[\w-]+:\d{12}:stack\/[\w-]+\/[\w-]+$/;

/** The function ignores times that are further ahead of its own clock. */
const TOLERATED_SECONDS = 15 * 60;

export const datesRequests: Probe = {
  assumption: 'CloudFormation dates the URL for an answer with the time of its request',
  run: async (account) => {
    const role = `${account.name}-absent`;
    const stack = await ProbedStack.create(account, echo({ Version: '1' }));
    await stack.update(echo({ Version: '2' }), 'UPDATE_COMPLETE');
    const failing = policy({ role, dependsOn: ['Echo'] });
    await stack.update({ ...echo({ Version: '3' }), Failing: failing }, 'UPDATE_ROLLBACK_COMPLETE');

    const answers = (await stack.events())
      .filter((event) => event.LogicalResourceId === 'Echo' && isDone(event, 'CREATE', 'UPDATE'))
      .map(({ PhysicalResourceId = '' }) => PhysicalResourceId);
    const times = [...new Set(answers)].map((answer) => {
      const [, signed, seen] = /^signed (\d{8}T\d{6}Z) seen (\d{8}T\d{6}Z)$/.exec(answer) ?? [];
      if (signed === undefined || seen === undefined) throw new DidNotHold('the URL has no X-Amz-Date');
      return { signed: secondsOf(signed), seen: secondsOf(seen) };
    });
    if (times.length < 4)
      throw new CouldNotBeTried(`the stack's events tell of ${times.length} requests in place of 4`);
    const [late] = times.filter(({ signed, seen }) => Math.abs(seen - signed) > TOLERATED_SECONDS);
    if (late) throw new DidNotHold(`the date is ${late.seen - late.signed} s from the time at which the function runs`);
    const isOrdered = times.every(({ signed }, index) => signed > (times[index - 1]?.signed ?? 0));
    if (!isOrdered) throw new DidNotHold('a later request has not a later date');
  },
};

export const asksAReplacedResourceAgain: Probe = {
  assumption: 'A rollback sends an Update to a custom resource that was replaced',
  run: async (account) => {
    // Without an Id it answers each request with another physical id, so these tell how many requests there were.
    const stack = await ProbedStack.create(account, echo({ Version: '1' }));
    const failing = policy({ role: `${account.name}-absent`, dependsOn: ['Echo'] });
    await stack.update({ ...echo({ Version: '2' }), Failing: failing }, 'UPDATE_ROLLBACK_COMPLETE');

    const events = await stack.events();
    const rollback = events.findIndex((event) => event.ResourceStatus === 'UPDATE_ROLLBACK_IN_PROGRESS');
    const answersIn = (some: readonly StackEvent[]) =>
      some.filter((event) => event.LogicalResourceId === 'Echo' && isDone(event, 'CREATE', 'UPDATE')).map(idOf);
    const before = new Set(answersIn(events.slice(0, rollback)));
    if (before.size < 2) throw new CouldNotBeTried('the resource was not replaced before the update failed');
    const isAsked = answersIn(events.slice(rollback)).some((answer) => !before.has(answer));
    if (!isAsked) throw new DidNotHold('the rollback sends no request');
  },
};

export const keepsTheDeviceOfARollback: Probe = {
  assumption: 'After a rollback CloudFormation does not delete the physical id that the rollback answered',
  run: async (account) => {
    const stack = await ProbedStack.create(account, echo({ Id: 'first' }));
    const failing = policy({ role: `${account.name}-absent`, dependsOn: ['Echo'] });
    await stack.update({ ...echo({ Id: 'second' }), Failing: failing }, 'UPDATE_ROLLBACK_COMPLETE');

    const ofEcho = (await stack.events()).filter(({ LogicalResourceId }) => LogicalResourceId === 'Echo');
    const replaced = ofEcho.findIndex((event) => idOf(event) === 'second' && isDone(event, 'UPDATE'));
    if (replaced < 0) throw new CouldNotBeTried('the resource was not replaced before the update failed');
    const isAsked = ofEcho.slice(replaced).some((event) => idOf(event) === 'first' && isDone(event, 'UPDATE'));
    if (!isAsked) throw new CouldNotBeTried('the rollback did not ask the resource');
    if (ofEcho.some((event) => event.PhysicalResourceId === 'first' && event.ResourceStatus?.startsWith('DELETE'))) {
      throw new DidNotHold('it deletes the first physical id, although the rollback answered it');
    }
  },
};

export const revertsTheSecretFirst: Probe = {
  assumption: 'A rollback reverts a secret before the custom resource that refers to it',
  run: async (account) => {
    const resources = (version: string) => ({
      Seed: { Type: 'AWS::SecretsManager::Secret', Properties: { Tags: [{ Key: 'version', Value: version }] } },
      ...echo({ Id: 'same', SecretArn: { Ref: 'Seed' }, Version: version }),
    });
    const stack = await ProbedStack.create(account, resources('1'));
    const failing = policy({ role: `${account.name}-absent`, dependsOn: ['Echo'] });
    await stack.update({ ...resources('2'), Failing: failing }, 'UPDATE_ROLLBACK_COMPLETE');

    const events = await stack.events();
    const rollback = events.slice(events.findIndex((event) => event.ResourceStatus === 'UPDATE_ROLLBACK_IN_PROGRESS'));
    const reverted = rollback.findIndex((event) => event.LogicalResourceId === 'Seed' && isDone(event, 'UPDATE'));
    const asked = rollback.findIndex((event) => event.LogicalResourceId === 'Echo');
    if (reverted < 0 || asked < 0) throw new CouldNotBeTried("the stack's events do not tell of both in the rollback");
    if (asked < reverted) throw new DidNotHold('the custom resource gets its event before the secret is reverted');
  },
};

export const deletesSecretsForGood: Probe = {
  assumption: 'The deletion of a stack deletes its secrets without a recovery window',
  run: async (account) => {
    const stack = await ProbedStack.create(account, { Seed: { Type: 'AWS::SecretsManager::Secret' } });
    const created = (await stack.events()).find(
      (event) => event.LogicalResourceId === 'Seed' && isDone(event, 'CREATE'),
    );
    await stack.delete();

    const describe = async () => {
      const command = new DescribeSecretCommand({ SecretId: created?.PhysicalResourceId });
      return account.secretsManager.send(command).catch((error: unknown) => {
        if (isNamed(error, ...GONE)) return undefined;
        throw error;
      });
    };
    // Secrets Manager goes on showing a secret that is gone for some seconds.
    const began = account.clock.now();
    let secret = await describe();
    while (secret && account.clock.now() - began < CONSISTENCY_MILLISECONDS) {
      await account.clock.sleep(1_000);
      secret = await describe();
    }
    if (secret)
      throw new DidNotHold(`the secret can be restored, and is deleted on ${secret.DeletedDate?.toISOString()}`);
  },
};

export const sendsKnownShapes: Probe = {
  assumption: 'An event has a RequestId and a StackId of the shapes that the function demands',
  run: async (account) => {
    const stack = await ProbedStack.create(account, echo({ Shows: 'RequestId' }));
    const created = (await stack.events()).find(
      (event) => event.LogicalResourceId === 'Echo' && isDone(event, 'CREATE'),
    );
    const requestId = created === undefined ? '' : idOf(created);
    if (!REQUEST_ID.test(requestId))
      throw new DidNotHold(`a RequestId has ${requestId.length} characters, or other ones`);
    if (!STACK_ID.test(stack.id)) throw new DidNotHold(`a StackId has ${stack.id.length} characters, or other parts`);
  },
};

export const keepsForeignTags: Probe = {
  assumption: 'An update of a secret’s tags by CloudFormation keeps the tags that others set',
  run: async (account) => {
    const resources = (version: string) => ({
      Seed: { Type: 'AWS::SecretsManager::Secret', Properties: { Tags: [{ Key: 'version', Value: version }] } },
    });
    const stack = await ProbedStack.create(account, resources('1'));
    const SecretId = (await stack.events()).find(
      (event) => event.LogicalResourceId === 'Seed' && isDone(event, 'CREATE'),
    )?.PhysicalResourceId;
    const { secretsManager } = account;
    await secretsManager.send(new TagResourceCommand({ SecretId, Tags: [{ Key: RETIRED_TAG, Value: 'x' }] }));
    await stack.update(resources('2'), 'UPDATE_COMPLETE');

    const { Tags = [] } = await secretsManager.send(new DescribeSecretCommand({ SecretId }));
    if (!Tags.some(({ Key }) => Key === RETIRED_TAG)) throw new DidNotHold('it removes them');
  },
};

export const cleansUpPoliciesLast: Probe = {
  assumption: 'The clean-up of an update removes a policy after the resources that depended on it',
  run: async (account) => {
    const { name } = account;
    const parameter = (suffix: string, dependsOn: string) => ({
      Type: 'AWS::SSM::Parameter',
      DependsOn: [dependsOn],
      Properties: { Name: `${name}-${suffix}`, Type: 'String', Value: 'x' },
    });
    const stack = await ProbedStack.create(account, {
      PolicyOfBefore: policy(),
      Replaced: parameter('before', 'PolicyOfBefore'),
      Leaving: parameter('leaving', 'PolicyOfBefore'),
    });
    const after = { PolicyOfAfter: policy(), Replaced: parameter('after', 'PolicyOfAfter') };
    await stack.update(after, 'UPDATE_COMPLETE');

    const events = await stack.events();
    const policyGoes = events.findIndex(
      (event) => event.LogicalResourceId === 'PolicyOfBefore' && event.ResourceStatus === 'DELETE_IN_PROGRESS',
    );
    if (policyGoes < 0) throw new CouldNotBeTried("the stack's events do not tell of the policy's deletion");
    for (const [physicalId, what] of [
      [`${name}-before`, 'a resource that was replaced'],
      [`${name}-leaving`, 'a resource that left the template'],
    ] as const) {
      const gone = events.findIndex((event) => event.PhysicalResourceId === physicalId && isDone(event, 'DELETE'));
      if (gone < 0 || gone > policyGoes) throw new DidNotHold(`the policy goes before ${what}`);
    }
  },
};

export const showsTheNewTemplateInTheCleanUp: Probe = {
  assumption: 'CloudFormation shows the new template while it cleans up after an update',
  run: async (account) => {
    // One after the other, so that the clean-up takes long enough to be seen.
    const leaving = echo({ Id: 'leaving' });
    const more = Array.from({ length: 15 }, (_, index): [string, Resources[string]] => [
      `Echo${index}`,
      { ...leaving['Echo'], DependsOn: [index === 0 ? 'Echo' : `Echo${index - 1}`] },
    ]);
    const stack = await ProbedStack.create(account, { Kept: policy(), ...leaving, ...Object.fromEntries(more) });
    let shown: string | undefined;
    await stack.update({ Kept: policy() }, 'UPDATE_COMPLETE', async (status) => {
      if (status === 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS') shown ??= await stack.template();
    });
    if (shown === undefined) throw new CouldNotBeTried('the clean-up was over before it was seen');
    const { Resources } = JSON.parse(shown) as { readonly Resources: object };
    if (Object.hasOwn(Resources, 'Echo')) throw new DidNotHold('it shows the old one');
  },
};

function idOf({ PhysicalResourceId = '' }: StackEvent): string {
  return PhysicalResourceId;
}

function isDone({ ResourceStatus }: StackEvent, ...operations: readonly ('CREATE' | 'UPDATE' | 'DELETE')[]): boolean {
  return operations.some((operation) => ResourceStatus === `${operation}_COMPLETE`);
}

/** Seconds since the epoch of a time in ISO 8601's basic format. */
function secondsOf(basic: string): number {
  return Date.parse(basic.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ)$/, '$1-$2-$3:$4:$5')) / 1000;
}
