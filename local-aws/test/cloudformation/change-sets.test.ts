import {
  CreateChangeSetCommand,
  type CreateChangeSetCommandInput,
  DeleteChangeSetCommand,
  DescribeChangeSetCommand,
  DescribeStackEventsCommand,
  ExecuteChangeSetCommand,
  ListChangeSetsCommand,
} from '@aws-sdk/client-cloudformation';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { custom, parameter, type StackAccount, startStackAccount } from './stack-account';

let aws: StackAccount;
beforeEach(async () => {
  aws = await startStackAccount();
});
afterEach(async () => aws.close());

const names = { StackName: 'demo', ChangeSetName: 'cdk-deploy-change-set' };

async function plan(resources: unknown, more: Partial<CreateChangeSetCommandInput> = {}) {
  const TemplateBody = JSON.stringify({ Resources: resources });
  await aws.client.send(new CreateChangeSetCommand({ ...names, TemplateBody, ...more }));
  return aws.client.send(new DescribeChangeSetCommand({ ...names, IncludePropertyValues: true }));
}

describe('a change set', () => {
  it('for a new stack leaves it in review until it is executed', async () => {
    const planned = await plan({ A: parameter('a', '1') }, { ChangeSetType: 'CREATE' });
    expect(planned).toMatchObject({ Status: 'CREATE_COMPLETE', ExecutionStatus: 'AVAILABLE' });
    expect(planned.Changes?.map(({ ResourceChange }) => ResourceChange?.Action)).toEqual(['Add']);
    expect((await aws.describe('demo')).StackStatus).toBe('REVIEW_IN_PROGRESS');
    expect(aws.parameters.size).toBe(0);
    await aws.client.send(new ExecuteChangeSetCommand({ ...names, ClientRequestToken: 'exec-1' }));
    expect((await aws.settled('demo')).StackStatus).toBe('CREATE_COMPLETE');
    const { StackEvents = [] } = await aws.client.send(new DescribeStackEventsCommand({ StackName: 'demo' }));
    expect(StackEvents.slice(0, 4).map(({ ClientRequestToken }) => ClientRequestToken)).toEqual(
      Array(4).fill('exec-1'),
    );
    await expect(aws.client.send(new ExecuteChangeSetCommand(names))).rejects.toMatchObject({
      name: 'InvalidChangeSetStatusException',
    });
  });

  it('without a change fails, worded as the CLI looks for it', async () => {
    await aws.create({ A: parameter('a', '1') });
    expect(await plan({ A: parameter('a', '1') })).toMatchObject({
      Status: 'FAILED',
      ExecutionStatus: 'UNAVAILABLE',
      StatusReason:
        "The submitted information didn't contain changes. Submit different information to create a change set.",
    });
  });

  it('tells what is replaced, what follows from it, and what goes', async () => {
    await aws.create({
      A: parameter('a', '1'),
      B: parameter('b', { Ref: 'A' }),
      C: parameter('c', '1'),
      D: parameter('d', '1', { Metadata: { v: 1 } }),
    });
    const { Changes = [] } = await plan({
      A: parameter('a-2', '1'),
      B: parameter('b', { 'Fn::Select': [0, { 'Fn::Split': ['/', { Ref: 'A' }] }] }),
      D: parameter('d', '1', { Metadata: { v: 2 } }),
    });
    expect(Changes.map(({ ResourceChange }) => ResourceChange)).toMatchObject([
      { LogicalResourceId: 'A', Action: 'Modify', Replacement: 'True', PolicyAction: 'ReplaceAndDelete' },
      {
        LogicalResourceId: 'B',
        Action: 'Modify',
        Replacement: 'False',
        Details: [{ Evaluation: 'Dynamic', Target: { Name: 'Value', AfterValue: '{{changeSet:KNOWN_AFTER_APPLY}}' } }],
      },
      { LogicalResourceId: 'C', Action: 'Remove', PolicyAction: 'Delete' },
      { LogicalResourceId: 'D', Action: 'Modify', Replacement: 'False', Scope: ['Metadata'] },
    ]);
  });

  it('takes the values of a custom resource for unknown when it changes', async () => {
    aws.onEvent(() => ({ Data: { Color: 'red' } }));
    const resources = (size: number) => ({
      Thing: custom({ Size: size }),
      A: parameter('a', { 'Fn::GetAtt': ['Thing', 'Color'] }),
    });
    await aws.create(resources(1));
    const { Changes = [] } = await plan(resources(2));
    expect(Changes.map(({ ResourceChange }) => ResourceChange?.LogicalResourceId)).toEqual(['A', 'Thing']);
    await aws.client.send(new ExecuteChangeSetCommand(names));
    await aws.settled('demo');
    expect(aws.journal).toEqual(['Create Thing', 'put a=red', 'Update Thing made-Thing']);
  });

  it('is deleted without complaint, there or not; then it is not found', async () => {
    await aws.create({ A: parameter('a', '1') });
    await aws.client.send(new DeleteChangeSetCommand(names));
    await plan({ A: parameter('a', '2') });
    const { Summaries = [] } = await aws.client.send(new ListChangeSetsCommand({ StackName: 'demo' }));
    expect(Summaries).toHaveLength(1);
    await aws.client.send(new DeleteChangeSetCommand(names));
    await expect(aws.client.send(new DescribeChangeSetCommand(names))).rejects.toMatchObject({
      name: 'ChangeSetNotFoundException',
      $metadata: { httpStatusCode: 404 },
    });
  });

  it('cannot be made for a stack that is not there, or is there already', async () => {
    await expect(plan({ A: parameter('a', '1') })).rejects.toThrow('Stack [demo] does not exist');
    await aws.create({ A: parameter('a', '1') });
    await expect(plan({ A: parameter('a', '1') }, { ChangeSetType: 'CREATE' })).rejects.toThrow(
      'Stack [demo] already exists and cannot be created again with the changeSet [cdk-deploy-change-set].',
    );
  });
});
