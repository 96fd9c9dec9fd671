import {
  ContinueUpdateRollbackCommand,
  CreateStackCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  ListExportsCommand,
  RollbackStackCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parameter, type StackAccount, startStackAccount } from './stack-account';

let aws: StackAccount;
beforeEach(async () => {
  aws = await startStackAccount();
});
afterEach(async () => aws.close());

describe('creating a stack', () => {
  it('makes resources after those that they depend on, and answers outputs', async () => {
    const stack = await aws.create(
      {},
      {
        TemplateBody: JSON.stringify({
          Parameters: { Value: { Type: 'String', Default: 'a' } },
          Resources: {
            Last: parameter('last', { 'Fn::Sub': '${Middle.Value}!' }),
            Middle: parameter('middle', { Ref: 'First' }),
            First: parameter('first', { Ref: 'Value' }),
          },
          Outputs: { Last: { Value: { Ref: 'Last' }, Export: { Name: { 'Fn::Sub': '${AWS::StackName}-last' } } } },
        }),
      },
    );
    expect(stack.StackStatus).toBe('CREATE_COMPLETE');
    expect(stack.Outputs).toEqual([{ OutputKey: 'Last', OutputValue: 'last', ExportName: 'demo-last' }]);
    expect(aws.journal).toEqual(['put first=a', 'put middle=first', 'put last=first!']);
    const { Exports = [] } = await aws.client.send(new ListExportsCommand({}));
    expect(Exports).toMatchObject([{ Name: 'demo-last', Value: 'last' }]);
    expect(await aws.history('demo')).toEqual([
      'demo CREATE_IN_PROGRESS',
      'First CREATE_IN_PROGRESS',
      'First CREATE_IN_PROGRESS',
      'First CREATE_COMPLETE',
      'Middle CREATE_IN_PROGRESS',
      'Middle CREATE_IN_PROGRESS',
      'Middle CREATE_COMPLETE',
      'Last CREATE_IN_PROGRESS',
      'Last CREATE_IN_PROGRESS',
      'Last CREATE_COMPLETE',
      'demo CREATE_COMPLETE',
    ]);
  });

  it('rolls back in reverse order when a resource fails, and deletes nothing that it did not make', async () => {
    aws.parameters.set('taken', 'theirs');
    const stack = await aws.create({
      First: parameter('first', 'a'),
      Second: parameter('second', 'b', { DependsOn: 'First' }),
      Third: parameter('taken', 'c', { DependsOn: 'Second' }),
    });
    expect(stack.StackStatus).toBe('ROLLBACK_COMPLETE');
    expect(aws.journal).toEqual(['put first=a', 'put second=b', 'delete second', 'delete first']);
    expect(aws.parameters).toEqual(new Map([['taken', 'theirs']]));
    expect(await aws.reasons('demo', 'Third')).toEqual([
      expect.stringMatching(
        /^CREATE_FAILED: Resource handler returned message: "The parameter already exists\..*AlreadyExists\)$/,
      ),
    ]);
    expect(await aws.reasons('demo', 'demo')).toContain(
      'ROLLBACK_IN_PROGRESS: The following resource(s) failed to create: [Third]. Rollback requested by user.',
    );
  });

  it('keeps what Retain says in a rollback, but not what RetainExceptOnCreate says', async () => {
    await aws.create({
      Kept: parameter('kept', 'a', { DeletionPolicy: 'Retain' }),
      Gone: parameter('gone', 'a', { DeletionPolicy: 'RetainExceptOnCreate' }),
      Bad: parameter('bad', 'refused', { DependsOn: ['Kept', 'Gone'] }),
    });
    expect([...aws.parameters.keys()]).toEqual(['kept']);
  });

  it('leaves everything as it is when rollback is disabled, until RollbackStack or the next update', async () => {
    const resources = (value: string) => ({
      First: parameter('first', 'a'),
      Second: parameter('second', value, { DependsOn: 'First' }),
    });
    const failed = await aws.create(resources('refused'), { DisableRollback: true });
    expect(failed.StackStatus).toBe('CREATE_FAILED');
    expect([...aws.parameters.keys()]).toEqual(['first']);
    const updated = await aws.update(resources('b'), { DisableRollback: true });
    expect(updated.StackStatus).toBe('UPDATE_COMPLETE');
    expect([...aws.parameters.keys()]).toEqual(['first', 'second']);
  });

  it('rolls a failed creation back on demand', async () => {
    await aws.create(
      { First: parameter('first', 'a'), Bad: parameter('b', 'refused', { DependsOn: 'First' }) },
      { OnFailure: 'DO_NOTHING' },
    );
    await aws.client.send(new RollbackStackCommand({ StackName: 'demo' }));
    expect((await aws.settled('demo')).StackStatus).toBe('ROLLBACK_COMPLETE');
    expect(aws.parameters.size).toBe(0);
  });

  it('deletes a stack that failed when it is told to', async () => {
    const stack = await aws.create({ Bad: parameter('bad', 'refused') }, { OnFailure: 'DELETE' });
    expect(stack.StackStatus).toBe('DELETE_COMPLETE');
  });

  it.each([
    [
      'an unknown resource type',
      { A: { Type: 'AWS::S3::Bucket' } },
      /does not implement the resource type AWS::S3::Bucket/,
    ],
    [
      'an unknown property',
      { A: { Type: 'AWS::SSM::Parameter', Properties: { Tier: 'x' } } },
      /does not implement the property Tier of AWS::SSM::Parameter/,
    ],
    ['an unknown attribute', { A: parameter('a', 'b', { CreationPolicy: {} }) }, /the attribute CreationPolicy/],
    [
      'an unknown reference',
      { A: parameter('a', { Ref: 'B' }) },
      /Unresolved resource dependencies \[B\] in the Resources block/,
    ],
    [
      'a circle',
      { A: parameter('a', { Ref: 'B' }), B: parameter('b', { Ref: 'A' }) },
      /Circular dependency between resources: \[A, B\]/,
    ],
    ['an unknown function', { A: parameter('a', { 'Fn::Cidr': [] }) }, /the intrinsic function Fn::Cidr/],
  ])('refuses %s before anything is touched', async (_what, resources, message) => {
    const TemplateBody = JSON.stringify({ Resources: resources });
    await expect(aws.client.send(new CreateStackCommand({ StackName: 'demo', TemplateBody }))).rejects.toThrow(message);
    await expect(aws.describe('demo')).rejects.toThrow('Stack with id demo does not exist');
  });

  it('asks for the capability that IAM resources need', async () => {
    const create = (properties: unknown, Capabilities: 'CAPABILITY_IAM'[]) =>
      aws.create({ User: { Type: 'AWS::IAM::User', Properties: properties } }, { Capabilities });
    await expect(create({}, [])).rejects.toThrow('Requires capabilities : [CAPABILITY_IAM]');
    await expect(create({ UserName: 'bob' }, ['CAPABILITY_IAM'])).rejects.toMatchObject({
      name: 'InsufficientCapabilitiesException',
      message: 'Requires capabilities : [CAPABILITY_NAMED_IAM]',
    });
  });

  it('takes a published template', async () => {
    const Properties = {
      Name: { 'Fn::Sub': '${AWS::StackName}-a' },
      Type: 'String',
      Value: { 'Fn::Join': ['/', ['a', { Ref: 'AWS::Region' }]] },
    };
    const template = JSON.stringify({ Resources: { A: { Type: 'AWS::SSM::Parameter', Properties } } });
    aws.objects.set('assets/some/key.json', Buffer.from(template));
    await aws.create({}, { TemplateBody: undefined, TemplateURL: `${aws.url}/assets/some/key.json` });
    expect(aws.parameters).toEqual(new Map([['demo-a', 'a/eu-central-1']]));
    const { TemplateBody } = await aws.client.send(new GetTemplateCommand({ StackName: 'demo' }));
    expect(TemplateBody).toBe(template);
  });

  it('takes no template that is larger than AWS takes', async () => {
    const TemplateBody = `{"Resources":{}}`.padEnd(51_201);
    await expect(aws.create({}, { TemplateBody })).rejects.toThrow("Value at 'templateBody' failed to satisfy");
    aws.objects.set('assets/large.json', Buffer.alloc(1_000_001, ' '));
    const TemplateURL = `${aws.url}/assets/large.json`;
    await expect(aws.create({}, { TemplateBody: undefined, TemplateURL })).rejects.toThrow(
      'may not exceed 1000000 bytes',
    );
  });

  it('leaves out what a condition leaves out', async () => {
    await aws.create(
      {},
      {
        TemplateBody: JSON.stringify({
          Parameters: { Stage: { Type: 'String' } },
          Conditions: { IsProd: { 'Fn::Equals': [{ Ref: 'Stage' }, 'prod'] } },
          Resources: {
            A: parameter('a', { 'Fn::If': ['IsProd', 'x', 'y'] }),
            B: parameter('b', 'z', { Condition: 'IsProd' }),
          },
        }),
        Parameters: [{ ParameterKey: 'Stage', ParameterValue: 'test' }],
      },
    );
    expect(aws.parameters).toEqual(new Map([['a', 'y']]));
  });
});

describe('updating a stack', () => {
  it('changes in place what can be, and says so when there is nothing to do', async () => {
    await aws.create({ A: parameter('a', '1'), B: parameter('b', '1') });
    const stack = await aws.update({ A: parameter('a', '2'), B: parameter('b', '1') });
    expect(stack.StackStatus).toBe('UPDATE_COMPLETE');
    expect(aws.journal.slice(2)).toEqual(['put a=2']);
    await expect(aws.update({ A: parameter('a', '2', { DependsOn: 'B' }), B: parameter('b', '1') })).rejects.toThrow(
      'No updates are to be performed.',
    );
  });

  it('replaces before it deletes, and deletes against the dependencies of the old template', async () => {
    await aws.create({
      Base: parameter('base', '1'),
      Top: parameter('top', { Ref: 'Base' }),
      Removed: parameter('removed', { Ref: 'Top' }),
    });
    aws.journal.length = 0;
    const stack = await aws.update({ Base: parameter('base-2', '1'), Top: parameter('top-2', { Ref: 'Base' }) });
    expect(stack.StackStatus).toBe('UPDATE_COMPLETE');
    expect(aws.journal).toEqual(['put base-2=1', 'put top-2=base-2', 'delete removed', 'delete top', 'delete base']);
    const { StackResources = [] } = await aws.client.send(new DescribeStackResourcesCommand({ StackName: 'demo' }));
    expect(StackResources.map(({ PhysicalResourceId }) => PhysicalResourceId)).toContain('top-2');
  });

  // Recorded: https://github.com/radkawar/stackd/blob/9dc356f5e5cc49d2d334178a09c1398dd1c62617/testdata/aws/cloudformation/cleanup.json
  it('completes although its clean-up fails in three rounds, and tells so', async () => {
    await aws.create({
      Removed: parameter('removed', 'undeletable'),
      Replaced: parameter('replaced-old', 'undeletable'),
      Keeper: parameter('keeper', '1'),
    });
    const created = (await aws.history('demo')).length;
    const stack = await aws.update({ Replaced: parameter('replaced-new', '1'), Keeper: parameter('keeper', '1') });
    expect(stack).toMatchObject({
      StackStatus: 'UPDATE_COMPLETE',
      StackStatusReason: 'Update successful. One or more resources could not be deleted.',
    });
    const round = ['Removed', 'Replaced', 'Removed', 'Replaced'].map(
      (logicalId, index) => `${logicalId} ${index < 2 ? 'DELETE_IN_PROGRESS' : 'DELETE_FAILED'}`,
    );
    const history = (await aws.history('demo')).slice(created);
    expect(history).toEqual([
      'demo UPDATE_IN_PROGRESS',
      'Replaced UPDATE_IN_PROGRESS',
      'Replaced UPDATE_IN_PROGRESS',
      'Replaced UPDATE_COMPLETE',
      'demo UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
      ...[...round, ...round, ...round],
      'demo UPDATE_COMPLETE',
    ]);
    expect((await aws.delete()).StackStatus).toBe('DELETE_COMPLETE');
    expect([...aws.parameters.keys()]).toEqual(['removed', 'replaced-old']);
  });

  it('rolls back: old values, old resources, and nothing of the new ones', async () => {
    await aws.create({ InPlace: parameter('in-place', '1'), Replaced: parameter('replaced', '1') });
    aws.journal.length = 0;
    const stack = await aws.update({
      InPlace: parameter('in-place', '2'),
      Replaced: parameter('replaced-2', '1'),
      Added: parameter('added', '1'),
      Bad: parameter('bad', 'refused', { DependsOn: ['InPlace', 'Replaced', 'Added'] }),
    });
    expect(stack.StackStatus).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(aws.parameters).toEqual(
      new Map([
        ['in-place', '1'],
        ['replaced', '1'],
      ]),
    );
    expect(aws.journal).not.toContain('delete replaced');
    const { StackResources = [] } = await aws.client.send(
      new DescribeStackResourcesCommand({ StackName: 'demo', LogicalResourceId: 'InPlace' }),
    );
    expect(StackResources).toMatchObject([{ ResourceStatus: 'UPDATE_COMPLETE' }]);
    // The template is the old one again: the old template is no update.
    await expect(
      aws.update({ InPlace: parameter('in-place', '1'), Replaced: parameter('replaced', '1') }),
    ).rejects.toThrow('No updates are to be performed.');
  });

  it('stays where it is without rollback, and goes back on demand', async () => {
    await aws.create({ A: parameter('a', '1') });
    const bad = { A: parameter('a', '2'), B: parameter('b', 'refused', { DependsOn: 'A' }) };
    expect((await aws.update(bad, { DisableRollback: true })).StackStatus).toBe('UPDATE_FAILED');
    expect(aws.parameters).toEqual(new Map([['a', '2']]));
    await aws.client.send(new RollbackStackCommand({ StackName: 'demo' }));
    expect((await aws.settled('demo')).StackStatus).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(aws.parameters).toEqual(new Map([['a', '1']]));
  });

  it('stops a rollback that fails, and continues it past what is skipped', async () => {
    await aws.create({ A: parameter('a', '1') });
    aws.account.service('ssm');
    let failing = true;
    const store = aws.account.service('ssm');
    const putParameter = store.actions.PutParameter;
    aws.account.register({
      ...store,
      actions: {
        ...store.actions,
        PutParameter: {
          takes: putParameter?.takes ?? [],
          run: (input, call) => {
            const { Value } = input as { readonly Value?: unknown };
            return putParameter?.run(failing && Value === '1' ? { ...input, Value: 'refused' } : input, call);
          },
        },
      },
    });
    const stack = await aws.update({ A: parameter('a', '2'), B: parameter('b', 'refused', { DependsOn: 'A' }) });
    expect(stack.StackStatus).toBe('UPDATE_ROLLBACK_FAILED');
    await aws.client.send(new ContinueUpdateRollbackCommand({ StackName: 'demo' }));
    expect((await aws.settled('demo')).StackStatus).toBe('UPDATE_ROLLBACK_FAILED');
    await aws.client.send(new ContinueUpdateRollbackCommand({ StackName: 'demo', ResourcesToSkip: ['A'] }));
    expect((await aws.settled('demo')).StackStatus).toBe('UPDATE_ROLLBACK_COMPLETE');
    failing = false;
    expect((await aws.delete()).StackStatus).toBe('DELETE_COMPLETE');
  });

  it('refuses another type under the same logical id', async () => {
    await aws.create({ A: parameter('a', '1') });
    await expect(aws.update({ A: { Type: 'AWS::CDK::Metadata' } })).rejects.toThrow(
      'The new template modifies resource type of the following resources: [A]',
    );
  });

  it('keeps what UpdateReplacePolicy and DeletionPolicy say', async () => {
    await aws.create({
      A: parameter('a', '1', { UpdateReplacePolicy: 'Retain' }),
      B: parameter('b', '1', { DeletionPolicy: 'Retain' }),
    });
    await aws.update({ A: parameter('a-2', '1', { UpdateReplacePolicy: 'Retain' }) });
    expect([...aws.parameters.keys()].sort()).toEqual(['a', 'a-2', 'b']);
    expect(await aws.history('demo')).toEqual(expect.arrayContaining(['A DELETE_SKIPPED', 'B DELETE_SKIPPED']));
  });
});

describe('deleting a stack', () => {
  it('stays describable by its ARN, not by its name', async () => {
    await aws.create({ A: parameter('a', '1') });
    const { StackId = '' } = await aws.delete();
    expect((await aws.describe(StackId)).StackStatus).toBe('DELETE_COMPLETE');
    await expect(aws.describe('demo')).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'Stack with id demo does not exist',
    });
    const { Stacks } = await aws.client.send(new DescribeStacksCommand({}));
    expect(Stacks ?? []).toEqual([]);
  });

  it('fails with what it could not delete, deletes even what that depends on, and can be tried again', async () => {
    await aws.create({
      A: parameter('a', '1'),
      B: parameter('b', 'undeletable', { DependsOn: 'A' }),
      C: parameter('c', '1'),
    });
    const failed = await aws.delete();
    expect(failed).toMatchObject({
      StackStatus: 'DELETE_FAILED',
      StackStatusReason: 'The following resource(s) failed to delete: [B]. ',
    });
    expect([...aws.parameters.keys()]).toEqual(['b']);
    const retained = await aws.delete({ RetainResources: ['B'] });
    expect(retained.StackStatus).toBe('DELETE_COMPLETE');
    expect([...aws.parameters.keys()]).toEqual(['b']);
  });

  it('is refused while the stack is protected', async () => {
    await aws.create({ A: parameter('a', '1') }, { EnableTerminationProtection: true });
    await expect(aws.delete()).rejects.toThrow('Stack [demo] cannot be deleted while TerminationProtection is enabled');
    await aws.client.send(
      new UpdateTerminationProtectionCommand({ StackName: 'demo', EnableTerminationProtection: false }),
    );
    expect((await aws.delete()).StackStatus).toBe('DELETE_COMPLETE');
  });

  it('is refused while another stack imports its export', async () => {
    await aws.create(
      {},
      {
        TemplateBody: JSON.stringify({
          Resources: { A: parameter('a', '1') },
          Outputs: { A: { Value: { Ref: 'A' }, Export: { Name: 'shared' } } },
        }),
      },
    );
    await aws.create({ B: parameter('b', { 'Fn::ImportValue': 'shared' }) }, { StackName: 'importer' });
    expect(aws.parameters.get('b')).toBe('a');
    expect(await aws.delete()).toMatchObject({
      StackStatus: 'DELETE_FAILED',
      StackStatusReason: 'Export shared cannot be deleted as it is in use by importer',
    });
  });
});
