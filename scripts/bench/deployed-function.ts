import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LOGICAL_ID_TAG, STACK_ID_TAG, USER_NAME_TAG } from '../../lambda/contract/own-tags';
import type { CustomResourceEvent, LocalAws, LoggedCall } from 'local-aws';
import { cdk } from '../../bin/cdk-command';

/** What the function did with one event. */
export interface AnsweredEvent {
  readonly millisecondsToAnswer: number;
  readonly calls: readonly LoggedCall[];
  readonly physicalResourceId: string;
}

/** Takes the answers that CloudFormation would take. */
export interface AnswerSink {
  readonly url: string;
  /** The last answer, and when the whole of it was here. */
  last(): { readonly time: number; readonly answer: Readonly<Record<string, unknown>> };
  close(): void;
}

export async function answerSink(): Promise<AnswerSink> {
  let last: ReturnType<AnswerSink['last']> = { time: NaN, answer: {} };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.end();
      last = {
        time: performance.now(),
        answer: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>,
      };
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    last: () => last,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Makes a secret as a new device finds it: without a version, and marked as the resource's own. */
export async function newSeedSecret(
  { account }: LocalAws,
  { StackId, LogicalResourceId }: Pick<CustomResourceEvent, 'StackId' | 'LogicalResourceId'>,
  userName: string,
): Promise<string> {
  const tags = { [STACK_ID_TAG]: StackId, [LOGICAL_ID_TAG]: LogicalResourceId, [USER_NAME_TAG]: userName };
  const { ARN } = await account.invoke('secretsmanager', 'CreateSecret', {
    Name: `bench-${randomUUID()}`,
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  });
  return String(ARN);
}

/** The function as the CDK CLI deploys it, which takes events one after the other, as CloudFormation sends them. */
export class DeployedFunction {
  /** Events follow one another in less than the second that tells their order: each is dated a second after the last. */
  #signedAt = Date.now() - 24 * 60 * 60_000;

  private constructor(
    private readonly localAws: LocalAws,
    /** The event by which the deployment made its device. */
    readonly created: CustomResourceEvent,
    private readonly answers: AnswerSink,
  ) {}

  /** Deploys a device for a user, who is created too. */
  static async deploy(localAws: LocalAws, userName: string, outdir: string): Promise<DeployedFunction> {
    const events: CustomResourceEvent[] = [];
    localAws.cloudFormation.onCustomResourceEvent((observation) => {
      if (observation.kind === 'event') events.push(observation.event);
    });
    const user = ['-c', `users=${userName}`, '-c', 'createUsers=true'];
    const { environment } = localAws;
    const { output } = await cdk(['deploy', '--require-approval', 'never', '--output', outdir, ...user], {
      environment,
    });
    const [created] = events;
    if (!created) throw new Error(`cdk deploy failed:\n${output}`);
    return new DeployedFunction(localAws, created, await answerSink());
  }

  async send(event: Partial<CustomResourceEvent>): Promise<AnsweredEvent> {
    const { account, lambda } = this.localAws;
    this.#signedAt += 1_000;
    const date = new Date(this.#signedAt).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const before = account.calls.length;
    const began = performance.now();
    const outcome = await lambda.invoke(this.created.ServiceToken, {
      ...this.created,
      ...event,
      RequestId: randomUUID(),
      ResponseURL: `${this.answers.url}?X-Amz-Date=${date}`,
    });
    const { time, answer } = this.answers.last();
    if (outcome.kind === 'failed' || answer['Status'] !== 'SUCCESS' || time < began) {
      throw new Error(`The function answered ${JSON.stringify(answer)} and ended with ${JSON.stringify(outcome)}`);
    }
    return {
      millisecondsToAnswer: time - began,
      calls: account.calls.after(before).filter(({ source }) => source === 'http'),
      physicalResourceId: String(answer['PhysicalResourceId']),
    };
  }

  close(): void {
    this.answers.close();
  }
}
