import { CreateStackCommand, DescribeStackEventsCommand } from '@aws-sdk/client-cloudformation';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CustomResourceObservation } from '../../src/cloudformation';
import {
  answerEvent,
  custom,
  parameter,
  put,
  SERVICE_TOKEN,
  type StackAccount,
  startStackAccount,
} from './stack-account';

let aws: StackAccount;
beforeEach(async () => {
  aws = await startStackAccount();
});
afterEach(async () => aws.close());

const summary = () =>
  aws.events.map(({ RequestType, PhysicalResourceId = '-' }) => `${RequestType} ${PhysicalResourceId}`);

describe('an event', () => {
  it('carries every scalar as text, and the answer gives Ref and Fn::GetAtt', async () => {
    const observed: CustomResourceObservation[] = [];
    aws.onCustomResourceEvent((observation) => observed.push(observation));
    aws.onEvent(() => ({ PhysicalResourceId: 'thing-1', Data: { Color: 'red' } }));
    const stack = await aws.create({
      Thing: custom({ Count: 3, Deep: { On: true, List: [1, 'two'] }, ServiceTimeout: 60 }),
      Uses: parameter('uses', { 'Fn::Sub': '${Thing} ${Thing.Color}' }),
    });
    expect(stack.StackStatus).toBe('CREATE_COMPLETE');
    expect(aws.parameters.get('uses')).toBe('thing-1 red');
    const [event] = aws.events;
    expect(event).toEqual({
      RequestType: 'Create',
      ServiceToken: SERVICE_TOKEN,
      ServiceTimeout: '60',
      ResponseURL: expect.stringContaining(`${aws.url}/cloudformation-custom-resource-response/`) as string,
      StackId: stack.StackId,
      RequestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      LogicalResourceId: 'Thing',
      ResourceType: 'Custom::Thing',
      ResourceProperties: {
        ServiceToken: SERVICE_TOKEN,
        Count: '3',
        Deep: { On: 'true', List: ['1', 'two'] },
        ServiceTimeout: '60',
      },
    });
    expect(observed.map(({ kind }) => kind)).toEqual(['event', 'answer']);
    expect(observed[0]?.time).toBeLessThanOrEqual(observed[1]?.time ?? 0);
  });

  it('is delivered twice on demand; the first answer counts', async () => {
    let answers = 0;
    aws.onEvent(() => {
      answers += 1;
      return { PhysicalResourceId: `thing-${answers}` };
    });
    aws.duplicateNextEvents(1);
    await aws.create({ Thing: custom() });
    expect(summary()).toEqual(['Create -', 'Create -']);
    await aws.delete();
    expect(aws.events).toHaveLength(3);
    expect(aws.events[2]?.PhysicalResourceId).toBe('thing-1');
  });

  it('carries ServiceTimeout beside its properties only where the template gives one', async () => {
    await aws.create({ Thing: custom() });
    expect(aws.events[0]).not.toHaveProperty('ServiceTimeout');
  });

  it('carries references to secrets as they are, and the values of references to parameters', async () => {
    aws.parameters.set('/db/name', 'orders');
    const toSecret = '{{resolve:secretsmanager:seed:SecretString:seed}}';
    await aws.create({ Thing: custom({ Name: '{{resolve:ssm:/db/name}}', Deep: [{ Path: `/${toSecret}/` }] }) });
    expect(aws.events[0]?.ResourceProperties).toMatchObject({ Name: 'orders', Deep: [{ Path: `/${toSecret}/` }] });
    const { StackEvents = [] } = await aws.client.send(new DescribeStackEventsCommand({ StackName: 'demo' }));
    expect(JSON.stringify(StackEvents)).not.toContain('orders');
  });

  it('needs a function that is there', async () => {
    const stack = await aws.create({ Thing: custom({ ServiceToken: `${SERVICE_TOKEN}-else` }) });
    expect(stack.StackStatus).toBe('ROLLBACK_COMPLETE');
    expect(aws.events).toEqual([]);
  });
});

describe('a failed Create', () => {
  it('is followed by a Delete with the id that the answer carried', async () => {
    aws.onEvent(({ RequestType }) =>
      RequestType === 'Create' ? { Status: 'FAILED', Reason: 'no luck', PhysicalResourceId: 'half-made' } : {},
    );
    const stack = await aws.create({ Thing: custom() });
    expect(stack.StackStatus).toBe('ROLLBACK_COMPLETE');
    expect(summary()).toEqual(['Create -', 'Delete half-made']);
    expect((await aws.reasons('demo', 'Thing'))[0]).toBe(
      `CREATE_FAILED: Received response status [FAILED] from custom resource. Message returned: no luck (RequestId: ${aws.events[0]?.RequestId})`,
    );
  });

  it('is followed by a Delete with an invented id when the answer carried none', async () => {
    aws.onEvent(({ RequestType }) =>
      RequestType === 'Create' ? { Status: 'FAILED', Reason: 'no luck', PhysicalResourceId: '' } : {},
    );
    await aws.create({ Thing: custom() });
    expect(summary()[1]).toMatch(/^Delete demo-Thing-[A-Z0-9]{12}$/);
  });

  it.each([
    ['is too long', 'x'.repeat(4097), 'Response object is too long.'],
    ['is no JSON', '{', 'Invalid Response object: the body is not JSON'],
    ['names another request', '{"Status":"SUCCESS"}', 'Value of property StackId must be'],
  ])('follows from an answer that %s', async (_what, body, reason) => {
    aws.onEvent((event) => {
      if (event.RequestType !== 'Create') return {};
      void put(event.ResponseURL, body);
      return undefined;
    });
    const stack = await aws.create({ Thing: custom() });
    expect(stack.StackStatus).toBe('ROLLBACK_COMPLETE');
    expect((await aws.reasons('demo', 'Thing'))[0]).toContain(reason);
  });

  it('follows from no answer within ServiceTimeout', async () => {
    aws.onEvent(({ RequestType }) => (RequestType === 'Create' ? undefined : {}));
    const stack = await aws.create({ Thing: custom({ ServiceTimeout: 1 }) });
    expect(stack.StackStatus).toBe('ROLLBACK_COMPLETE');
    expect((await aws.reasons('demo', 'Thing'))[0]).toContain(
      'CloudFormation did not receive a response from your Custom Resource.',
    );
  });
});

describe('the response URL', () => {
  it('refuses what its signature does not cover, and takes late answers without effect', async () => {
    let statuses: number[] = [];
    aws.onEvent((event) => {
      if (event.RequestType !== 'Create') return {};
      void (async () => {
        const json = await fetch(event.ResponseURL, {
          method: 'PUT',
          body: '{}',
          headers: { 'content-type': 'application/json' },
        });
        const got = await fetch(event.ResponseURL);
        const first = await answerEvent(event, { PhysicalResourceId: 'first' });
        const second = await answerEvent(event, { PhysicalResourceId: 'second' });
        expect(await json.text()).toContain('<Code>SignatureDoesNotMatch</Code>');
        statuses = [json.status, got.status, first.status, second.status];
      })();
      return undefined;
    });
    const stack = await aws.create({ Thing: custom() });
    expect(stack.StackStatus).toBe('CREATE_COMPLETE');
    await expect.poll(() => statuses).toEqual([403, 403, 200, 200]);
    await aws.delete();
    expect(summary()).toEqual(['Create -', 'Delete first']);
  });
});

describe('a Create that runs while another resource fails', () => {
  it('is cancelled, and followed by a Delete; its late answer changes nothing', async () => {
    aws.onEvent(({ RequestType }) => (RequestType === 'Create' ? undefined : {}));
    const stack = await aws.create({ Thing: custom(), Bad: parameter('bad', 'refused') });
    expect(stack.StackStatus).toBe('ROLLBACK_COMPLETE');
    expect(await aws.reasons('demo', 'Thing')).toContain('CREATE_FAILED: Resource creation cancelled');
    expect(summary()[1]).toMatch(/^Delete demo-Thing-[A-Z0-9]{12}$/);
    const [create] = aws.events;
    if (create) expect((await answerEvent(create, {})).status).toBe(200);
  });
});

describe('an Update', () => {
  const made = 'thing-1';

  beforeEach(async () => {
    aws.onEvent(() => ({ PhysicalResourceId: made }));
    await aws.create({ Thing: custom({ Size: 1 }) });
    aws.events.length = 0;
    aws.journal.length = 0;
  });

  it('carries the old properties; the same id means in place', async () => {
    await aws.update({ Thing: custom({ Size: 2 }) });
    expect(aws.events).toHaveLength(1);
    expect(aws.events[0]).toMatchObject({
      RequestType: 'Update',
      PhysicalResourceId: made,
      ResourceProperties: { Size: '2' },
      OldResourceProperties: { Size: '1', ServiceToken: SERVICE_TOKEN },
    });
  });

  it('that answers another id is a replacement: the old one is deleted in the clean-up', async () => {
    aws.onEvent(({ RequestType }) => (RequestType === 'Update' ? { PhysicalResourceId: 'thing-2' } : {}));
    const stack = await aws.update({
      Thing: custom({ Size: 2 }),
      After: parameter('after', { Ref: 'Thing' }),
    });
    expect(stack.StackStatus).toBe('UPDATE_COMPLETE');
    expect(aws.journal).toEqual(['Update Thing thing-1', 'put after=thing-2', 'Delete Thing thing-1']);
    expect(aws.events[1]?.ResourceProperties.Size).toBe('1');
  });

  it('completes although the Delete of the clean-up fails three times, and forgets the old resource', async () => {
    aws.onEvent(({ RequestType }) =>
      RequestType === 'Update' ? { PhysicalResourceId: 'thing-2' } : { Status: 'FAILED', Reason: 'stuck' },
    );
    const stack = await aws.update({ Thing: custom({ Size: 2 }) });
    expect(stack).toMatchObject({
      StackStatus: 'UPDATE_COMPLETE',
      StackStatusReason: 'Update successful. One or more resources could not be deleted.',
    });
    expect(summary()).toEqual(['Update thing-1', 'Delete thing-1', 'Delete thing-1', 'Delete thing-1']);
    expect((await aws.history('demo')).filter((entry) => entry === 'Thing DELETE_FAILED')).toHaveLength(3);

    aws.onEvent(() => ({}));
    aws.events.length = 0;
    expect((await aws.delete()).StackStatus).toBe('DELETE_COMPLETE');
    expect(summary()).toEqual(['Delete thing-2']);
  });

  it('completes quietly where the second Delete of the clean-up succeeds', async () => {
    aws.onEvent(({ RequestType }) => {
      if (RequestType === 'Update') return { PhysicalResourceId: 'thing-2' };
      return aws.events.length < 3 ? { Status: 'FAILED', Reason: 'not yet' } : {};
    });
    const stack = await aws.update({ Thing: custom({ Size: 2 }) });
    expect(stack.StackStatus).toBe('UPDATE_COMPLETE');
    expect(stack).not.toHaveProperty('StackStatusReason');
    expect(summary()).toEqual(['Update thing-1', 'Delete thing-1', 'Delete thing-1']);
  });

  it('that fails is followed by an Update back, with the id that is known', async () => {
    aws.onEvent(({ ResourceProperties }) =>
      ResourceProperties.Size === '2' ? { Status: 'FAILED', Reason: 'no', PhysicalResourceId: made } : {},
    );
    const stack = await aws.update({ Thing: custom({ Size: 2 }) });
    expect(stack.StackStatus).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(aws.events).toHaveLength(2);
    expect(aws.events[1]).toMatchObject({
      RequestType: 'Update',
      PhysicalResourceId: made,
      ResourceProperties: { Size: '1' },
      OldResourceProperties: { Size: '2' },
    });
  });

  it('that replaced is rolled back with the new id; the superseded one is deleted afterwards', async () => {
    aws.onEvent(({ RequestType, ResourceProperties }) =>
      RequestType === 'Update' ? { PhysicalResourceId: ResourceProperties.Size === '2' ? 'thing-2' : made } : {},
    );
    const stack = await aws.update({
      Thing: custom({ Size: 2 }),
      Bad: parameter('bad', 'refused', { DependsOn: 'Thing' }),
    });
    expect(stack.StackStatus).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(aws.journal).toEqual(['Update Thing thing-1', 'Update Thing thing-2', 'Delete Thing thing-2']);
    expect(await aws.history('demo')).toContain('demo UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
    await aws.delete();
    expect(aws.journal.at(-1)).toBe('Delete Thing thing-1');
  });

  it('refuses another service token', async () => {
    const stack = await aws.update({ Thing: custom({ ServiceToken: `${SERVICE_TOKEN}:other` }) });
    expect(stack.StackStatus).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(await aws.reasons('demo', 'Thing')).toContain('UPDATE_FAILED: Modifying service token is not allowed.');
  });
});

describe('a stack that waits for an answer', () => {
  const begin = async (account: StackAccount) => {
    account.onEvent(() => undefined);
    const TemplateBody = JSON.stringify({ Resources: { Thing: custom({}) } });
    await account.client.send(new CreateStackCommand({ StackName: 'demo', TemplateBody }));
  };

  it('is described as it is', async () => {
    await begin(aws);
    expect((await aws.describe('demo')).StackStatus).toBe('CREATE_IN_PROGRESS');
  });

  it('is described when it has come to its end, in an account that describes stacks at rest', async () => {
    const patient = await startStackAccount({ describesStacksAtRest: true });
    try {
      await begin(patient);
      let isDescribed = false;
      const described = patient.describe('demo').finally(() => (isDescribed = true));
      expect(await patient.history('demo')).not.toContain('demo CREATE_COMPLETE');
      expect(isDescribed).toBe(false);
      const [event] = patient.events;
      if (event) await answerEvent(event, {});
      expect((await described).StackStatus).toBe('CREATE_COMPLETE');
      expect((await patient.describe('demo')).StackStatus).toBe('CREATE_COMPLETE');
    } finally {
      await patient.close();
    }
  });
});

describe('a Delete', () => {
  it('comes before what the resource depended on goes, also when an update removes both', async () => {
    await aws.create({ Policy: parameter('policy', '1'), Other: parameter('other', '1') });
    aws.onEvent(() => ({}));
    await aws.update({
      Policy: parameter('policy', '1'),
      Thing: custom({}, { DependsOn: 'Policy' }),
      Other: parameter('other', '1'),
    });
    aws.journal.length = 0;
    await aws.update({ Other: parameter('other', '1') });
    expect(aws.journal).toEqual(['Delete Thing made-Thing', 'delete policy']);
  });

  it('that fails blocks the deletion of the stack, but not of what it needed, and is sent again with the next one', async () => {
    aws.onEvent(({ RequestType }) => (RequestType === 'Delete' ? { Status: 'FAILED', Reason: 'assigned' } : {}));
    await aws.create({ Base: parameter('base', '1'), Thing: custom({}, { DependsOn: 'Base' }) });
    expect((await aws.delete()).StackStatus).toBe('DELETE_FAILED');
    expect(aws.journal.slice(-2)).toEqual(['Delete Thing made-Thing', 'delete base']);
    aws.onEvent(() => ({}));
    expect((await aws.delete()).StackStatus).toBe('DELETE_COMPLETE');
    expect(summary()).toEqual(['Create -', 'Delete made-Thing', 'Delete made-Thing']);
  });
});
