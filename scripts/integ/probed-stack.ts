import {
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  type StackEvent,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { CouldNotBeTried } from './finding';
import type { ProbedAccount } from './probed-account';

export type Resources = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const POLL_MILLISECONDS = 5_000;
const LONGEST_OPERATION_MILLISECONDS = 20 * 60_000;
const Capabilities = ['CAPABILITY_NAMED_IAM' as const];

/** A stack that a probe deploys. */
export class ProbedStack {
  private constructor(
    private readonly account: ProbedAccount,
    readonly id: string,
  ) {}

  static async create(account: ProbedAccount, resources: Resources): Promise<ProbedStack> {
    const { cloudFormation, name: StackName } = account;
    const TemplateBody = JSON.stringify({ Resources: resources });
    const created = await cloudFormation.send(new CreateStackCommand({ StackName, TemplateBody, Capabilities }));
    const stack = new ProbedStack(account, created.StackId ?? StackName);
    account.cleanUpLater(`the stack ${StackName}`, () => stack.delete());
    await stack.#reaches('CREATE_COMPLETE');
    return stack;
  }

  /**
   * @param status the status that ends the update
   * @param onStatus told of each status that is seen on the way
   */
  async update(
    resources: Resources,
    status: 'UPDATE_COMPLETE' | 'UPDATE_ROLLBACK_COMPLETE',
    onStatus?: (status: string) => Promise<void>,
  ): Promise<void> {
    const TemplateBody = JSON.stringify({ Resources: resources });
    const command = new UpdateStackCommand({ StackName: this.id, TemplateBody, Capabilities });
    await this.account.cloudFormation.send(command);
    await this.#reaches(status, onStatus);
  }

  async template(): Promise<string> {
    const command = new GetTemplateCommand({ StackName: this.id, TemplateStage: 'Processed' });
    const { TemplateBody = '' } = await this.account.cloudFormation.send(command);
    return TemplateBody;
  }

  async delete(): Promise<void> {
    await this.account.cloudFormation.send(new DeleteStackCommand({ StackName: this.id }));
    await this.#reaches('DELETE_COMPLETE');
  }

  /** All events, the oldest first. */
  async events(): Promise<readonly StackEvent[]> {
    const events: StackEvent[] = [];
    let NextToken: string | undefined;
    do {
      const command = new DescribeStackEventsCommand({ StackName: this.id, NextToken });
      const page = await this.account.cloudFormation.send(command);
      events.push(...(page.StackEvents ?? []));
      ({ NextToken } = page);
    } while (NextToken !== undefined);
    return events.reverse();
  }

  async #reaches(wanted: string, onStatus: (status: string) => Promise<void> = async () => undefined): Promise<void> {
    const { clock, cloudFormation } = this.account;
    const began = clock.now();
    for (;;) {
      const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: this.id }));
      const { StackStatus: status = '', StackStatusReason: reason = '' } = Stacks?.[0] ?? {};
      await onStatus(status);
      if (status === wanted) return;
      const isOver = !status.endsWith('_IN_PROGRESS') || clock.now() - began > LONGEST_OPERATION_MILLISECONDS;
      if (isOver) throw new CouldNotBeTried(`the stack is ${status} in place of ${wanted}: ${reason}`);
      await clock.sleep(POLL_MILLISECONDS);
    }
  }
}

/**
 * Answers every request with the physical id that its property `Id` gives, with the member of the event that `Shows` names, or
 * else with the times of the request.
 */
const ECHO = `
exports.handler = async (event) => {
  const { ResponseURL, StackId, RequestId, LogicalResourceId, PhysicalResourceId, RequestType, ResourceProperties } = event;
  const signedAt = new URL(ResponseURL).searchParams.get('X-Amz-Date');
  const seenAt = new Date().toISOString().replace(/[-:]|\\.\\d{3}/g, '');
  const id = ResourceProperties.Id ?? event[ResourceProperties.Shows] ?? 'signed ' + signedAt + ' seen ' + seenAt;
  const answer = {
    Status: 'SUCCESS', StackId, RequestId, LogicalResourceId,
    PhysicalResourceId: RequestType === 'Delete' ? PhysicalResourceId : id,
  };
  await fetch(ResponseURL, { method: 'PUT', body: Buffer.from(JSON.stringify(answer)), headers: { 'content-type': '' } });
};`;

/** A custom resource, its function and its function's role. */
export function echo(properties: Readonly<Record<string, unknown>>): Resources {
  return {
    EchoRole: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
        },
      },
    },
    EchoFunction: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Code: { ZipFile: ECHO },
        Handler: 'index.handler',
        Runtime: 'nodejs24.x',
        Timeout: 30,
        Role: { 'Fn::GetAtt': ['EchoRole', 'Arn'] },
      },
    },
    Echo: {
      Type: 'Custom::Echo',
      Properties: { ServiceToken: { 'Fn::GetAtt': ['EchoFunction', 'Arn'] }, ServiceTimeout: 300, ...properties },
    },
  };
}

/** A managed policy that allows nothing; attached to a role that does not exist, it fails to be created. */
export function policy({ role, dependsOn = [] }: { role?: string; dependsOn?: readonly string[] } = {}) {
  return {
    Type: 'AWS::IAM::ManagedPolicy',
    DependsOn: dependsOn,
    Properties: {
      PolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }] },
      ...(role === undefined ? {} : { Roles: [role] }),
    },
  };
}
