import type { StackEvent } from '@aws-sdk/client-cloudformation';
import { DescribeSecretCommand, TagResourceCommand } from '@aws-sdk/client-secrets-manager';
import { RETIRED_TAG } from '../../../lambda/contract/own-tags';
import { CouldNotBeTried, DidNotHold } from '../finding';
import type { Probe } from '../probe';
import { echo, policy, ProbedStack } from '../probed-stack';

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

export const keepsTheDeviceOfARollback: Probe = {
  assumption: 'After a rollback CloudFormation does not delete the physical id that the rollback answered',
  run: async (account) => {
    const stack = await ProbedStack.create(account, echo({ Id: 'first' }));
    const failing = policy({ role: `${account.name}-absent`, dependsOn: ['Echo'] });
    await stack.update({ ...echo({ Id: 'second' }), Failing: failing }, 'UPDATE_ROLLBACK_COMPLETE');

    const ofEcho = (await stack.events()).filter(({ LogicalResourceId }) => LogicalResourceId === 'Echo');
    if (!ofEcho.some(({ PhysicalResourceId }) => PhysicalResourceId === 'second')) {
      throw new CouldNotBeTried('the resource was not replaced before the update failed');
    }
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

function isDone({ ResourceStatus }: StackEvent, ...operations: readonly ('CREATE' | 'UPDATE' | 'DELETE')[]): boolean {
  return operations.some((operation) => ResourceStatus === `${operation}_COMPLETE`);
}

/** Seconds since the epoch of a time in ISO 8601's basic format. */
function secondsOf(basic: string): number {
  return Date.parse(basic.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ)$/, '$1-$2-$3:$4:$5')) / 1000;
}
