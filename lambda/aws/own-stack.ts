import { type CloudFormationClient, DescribeStacksCommand, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import type { AwsCalls } from './aws-calls';

/** What CloudFormation tells of the stack that the function belongs to. */
export class OwnStack {
  constructor(
    private readonly client: CloudFormationClient,
    private readonly calls: AwsCalls,
  ) {}

  async status(StackName: string): Promise<string | undefined> {
    const command = new DescribeStacksCommand({ StackName });
    const { Stacks } = await this.calls.perform('cloudformation:DescribeStacks', () => this.client.send(command));
    return Stacks?.[0]?.StackStatus;
  }

  /**
   * Whether the stack's template has a resource.
   *
   * @throws Error where the template cannot be read
   */
  async declares(StackName: string, logicalId: string): Promise<boolean> {
    // What transforms have made of it: a user may come from a loop.
    const command = new GetTemplateCommand({ StackName, TemplateStage: 'Processed' });
    const { TemplateBody = '' } = await this.calls.perform('cloudformation:GetTemplate', () =>
      this.client.send(command),
    );
    const { Resources } = JSON.parse(TemplateBody) as { readonly Resources: object };
    return Object.hasOwn(Resources, logicalId);
  }
}
