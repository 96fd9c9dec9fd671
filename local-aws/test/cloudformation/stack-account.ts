import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  type Stack,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { setTimeout as delay } from 'node:timers/promises';
import { Account } from '../../src/account';
import { cloudFormationService, type CustomResourceEvent } from '../../src/cloudformation';
import { AwsError } from '../../src/protocol/aws-error';
import { specOf } from '../../src/protocol/spec';
import { requestHandler, serve } from '../../src/server';
import type { Action, RpcService } from '../../src/service';

/** What a custom resource's function does with an event: the answer's members, or nothing for no answer at all. */
export type CustomResourceScript = (event: CustomResourceEvent) => Partial<CustomResourceAnswer> | undefined;

export interface CustomResourceAnswer {
  readonly Status: string;
  readonly Reason: string;
  readonly PhysicalResourceId: string;
  readonly Data: Readonly<Record<string, unknown>>;
}

export const SERVICE_TOKEN = 'arn:aws:lambda:eu-central-1:123456789012:function:provider';

/**
 * CloudFormation alone, over HTTP, with Parameter Store as its only resources. A parameter fails to be put when its value
 * says `refused`, and to be deleted when it says `undeletable`.
 */
export async function startStackAccount({ describesStacksAtRest = false } = {}) {
  const account = new Account({
    accountId: '123456789012',
    region: 'eu-central-1',
    partition: 'aws',
    now: () => Date.now(),
  });
  const parameters = new Map<string, string>();
  /** Every change to a parameter, in order: `put name=value`, `delete name`. */
  const journal: string[] = [];
  account.register(parameterStore(parameters, journal));

  const events: CustomResourceEvent[] = [];
  const objects = new Map<string, Buffer>();
  let script: CustomResourceScript = () => ({});
  let url = '';
  const cloudFormation = cloudFormationService(account, {
    describesStacksAtRest,
    endpoint: () => url,
    scheduler: { put: ({ name }) => account.arn('scheduler', `schedule/default/${name}`), delete: () => undefined },
    readObject: (bucket, key) => objects.get(`${bucket}/${key}`) ?? Buffer.alloc(0),
    lambda: {
      createFunction: async ({ FunctionName }) => account.arn('lambda', `function:${FunctionName}`),
      updateCode: async () => undefined,
      updateConfiguration: async () => undefined,
      deleteFunction: async () => undefined,
      createAlias: (name, alias) => account.arn('lambda', `function:${name}:${alias}`),
      addPermission: () => undefined,
      removePermission: () => undefined,
      deleteAlias: () => undefined,
      hasFunction: (arn) => arn === SERVICE_TOKEN,
      invokeAsync: (_arn, sent) => {
        const event = sent as CustomResourceEvent;
        events.push(event);
        journal.push(`${event.RequestType} ${event.LogicalResourceId} ${event.PhysicalResourceId ?? ''}`.trim());
        const answer = script(event);
        if (answer) void answerEvent(event, answer);
        return event.RequestId;
      },
    },
  });
  account.register(cloudFormation.service);
  const server = await serve(requestHandler(account, [cloudFormation.route]), 0);
  url = server.url;
  const credentials = account.credentials.issueAccessKey(account.root);
  const client = new CloudFormationClient({ endpoint: url, region: account.region, credentials, maxAttempts: 1 });

  const describe = async (StackName: string): Promise<Stack> => {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    const [stack] = Stacks;
    if (!stack) throw new Error(`${StackName} is not described`);
    return stack;
  };
  /** Waits for the end of the running operation; answers the stack. */
  const settled = async (stackName: string): Promise<Stack> => {
    for (;;) {
      const stack = await describe(stackName);
      if (!stack.StackStatus?.endsWith('_IN_PROGRESS')) return stack;
      await delay(5);
    }
  };

  return {
    account,
    client,
    parameters,
    journal,
    events,
    objects,
    url,
    describe,
    settled,
    onEvent: (next: CustomResourceScript) => {
      script = next;
    },
    onCustomResourceEvent: cloudFormation.onCustomResourceEvent,
    duplicateNextEvents: cloudFormation.duplicateNextCustomResourceEvents,
    create: async (resources: unknown, options: Partial<ConstructorParameters<typeof CreateStackCommand>[0]> = {}) => {
      const TemplateBody = JSON.stringify({ Resources: resources });
      const { StackId = '' } = await client.send(
        new CreateStackCommand({ StackName: 'demo', TemplateBody, ...options }),
      );
      return settled(StackId);
    },
    update: async (resources: unknown, options: Partial<ConstructorParameters<typeof UpdateStackCommand>[0]> = {}) => {
      const TemplateBody = JSON.stringify({ Resources: resources });
      const { StackId = '' } = await client.send(
        new UpdateStackCommand({ StackName: 'demo', TemplateBody, ...options }),
      );
      return settled(StackId);
    },
    delete: async (options: Partial<ConstructorParameters<typeof DeleteStackCommand>[0]> = {}) => {
      const { StackId = '' } = await describe('demo');
      await client.send(new DeleteStackCommand({ StackName: 'demo', ...options }));
      return settled(StackId);
    },
    /** `LogicalId STATUS` of every event, oldest first. */
    history: async (StackName: string) => {
      const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName }));
      return StackEvents.reverse().map(
        ({ LogicalResourceId, ResourceStatus }) => `${LogicalResourceId} ${ResourceStatus}`,
      );
    },
    /** Reasons of a resource's events, oldest first. */
    reasons: async (StackName: string, logicalId: string) => {
      const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName }));
      return StackEvents.reverse()
        .filter(
          ({ LogicalResourceId, ResourceStatusReason }) => LogicalResourceId === logicalId && ResourceStatusReason,
        )
        .map(({ ResourceStatus, ResourceStatusReason }) => `${ResourceStatus}: ${ResourceStatusReason}`);
    },
    close: async () => {
      await cloudFormation.close();
      client.destroy();
      await server.close();
    },
  };
}

export type StackAccount = Awaited<ReturnType<typeof startStackAccount>>;

/** Sends an answer as a function would. */
export async function answerEvent(
  event: CustomResourceEvent,
  answer: Partial<CustomResourceAnswer>,
): Promise<Response> {
  return put(
    event.ResponseURL,
    JSON.stringify({
      Status: 'SUCCESS',
      PhysicalResourceId: event.PhysicalResourceId ?? `made-${event.LogicalResourceId}`,
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
      ...answer,
    }),
  );
}

/** PUTs a body without a content type. */
export async function put(url: string, body: string): Promise<Response> {
  return fetch(url, { method: 'PUT', body: Buffer.from(body), headers: { 'content-type': '' } });
}

/** A parameter resource. */
export function parameter(Name: string, Value: unknown, more: Record<string, unknown> = {}) {
  return { Type: 'AWS::SSM::Parameter', Properties: { Name, Type: 'String', Value }, ...more };
}

/** A custom resource. */
export function custom(properties: Record<string, unknown> = {}, more: Record<string, unknown> = {}) {
  return { Type: 'Custom::Thing', Properties: { ServiceToken: SERVICE_TOKEN, ...properties }, ...more };
}

function parameterStore(parameters: Map<string, string>, journal: string[]): RpcService {
  const loose = (run: Action<Record<string, unknown>>['run']): Action<Record<string, unknown>> => ({
    takes: ['Name', 'Value', 'Type', 'Overwrite', 'Description'],
    run,
  });
  return {
    name: 'ssm',
    protocol: 'json',
    namespace: 'AmazonSSM.',
    spec: specOf('ssm'),
    actions: {
      PutParameter: loose(({ Name, Value, Overwrite }) => {
        if (Value === 'refused') throw new AwsError('ValidationException', 'The value is refused');
        if (!Overwrite && parameters.has(String(Name))) {
          throw new AwsError('ParameterAlreadyExists', 'The parameter already exists.');
        }
        parameters.set(String(Name), String(Value));
        journal.push(`put ${String(Name)}=${String(Value)}`);
        return { Version: 1 };
      }),
      GetParameter: loose(({ Name }) => ({ Parameter: { Name, Value: parameters.get(String(Name)) } })),
      DeleteParameter: loose(({ Name }) => {
        if (parameters.get(String(Name)) === 'undeletable') {
          throw new AwsError('InternalServerError', 'It does not want to go', 500);
        }
        parameters.delete(String(Name));
        journal.push(`delete ${String(Name)}`);
        return {};
      }),
    },
  };
}
