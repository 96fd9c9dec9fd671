import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { STACK_ID_TAG } from '../../lambda/contract';
import type { CustomResourceEvent, LocalAws, LoggedCall } from '../../local-aws';
import { cdk } from '../cdk-command';

const OUTPUT = join(__dirname, '../../dist/bench-time-to-enabled.cdk.out');

/** What the function did with one event. Times are milliseconds since the event was sent. */
export interface AnsweredEvent {
  readonly toAnswer: number;
  /** Until IAM had answered EnableMFADevice; undefined where the event enables nothing. */
  readonly toEnabled: number | undefined;
  readonly calls: readonly LoggedCall[];
  readonly physicalResourceId: string;
}

/** The function as the CDK CLI has deployed it, which takes events one after the other, as CloudFormation sends them. */
export interface DeployedHandler {
  /** The event by which the deployment made its device. */
  readonly created: CustomResourceEvent;
  send(event: Partial<CustomResourceEvent>): Promise<AnsweredEvent>;
  /** A secret as a new device finds it: without a version, and marked as the stack's own. */
  newSeedSecret(): Promise<string>;
  close(): void;
}

/** Deploys a device for a user, who is created too. */
export async function deployHandler(localAws: LocalAws, userName: string): Promise<DeployedHandler> {
  const { account, lambda } = localAws;
  const created = await deployedEvent(localAws, userName);
  const answers = await answerSink();
  let secrets = 0;
  return {
    created,
    send: async (event) => {
      const before = account.calls.length;
      const url = answers.nextUrl();
      const beganAt = Date.now();
      const began = performance.now();
      const outcome = await lambda.invoke(created.ServiceToken, { ...created, ...event, ResponseURL: url });
      const { time, answer } = answers.last();
      if (outcome.kind === 'failed' || answer['Status'] !== 'SUCCESS') {
        throw new Error(`The function answered ${JSON.stringify(answer)} and ended with ${JSON.stringify(outcome)}`);
      }
      const calls = account.calls.after(before).filter(({ source }) => source === 'http');
      const enabled = calls.find(({ action }) => action === 'iam:EnableMFADevice');
      return {
        toAnswer: time - began,
        toEnabled: enabled && enabled.answered - beganAt,
        calls,
        physicalResourceId: String(answer['PhysicalResourceId']),
      };
    },
    newSeedSecret: async () => {
      secrets += 1;
      const { ARN } = await account.invoke('secretsmanager', 'CreateSecret', {
        Name: `bench-seed-${secrets}`,
        Tags: [{ Key: STACK_ID_TAG, Value: created.StackId }],
      });
      return String(ARN);
    },
    close: () => answers.close(),
  };
}

async function deployedEvent(localAws: LocalAws, userName: string): Promise<CustomResourceEvent> {
  const events: CustomResourceEvent[] = [];
  localAws.cloudFormation.onCustomResourceEvent((observation) => {
    if (observation.kind === 'event') events.push(observation.event);
  });
  const { exitCode, output } = await cdk(
    [
      ...['deploy', '--require-approval', 'never', '--output', OUTPUT],
      ...['-c', `users=${userName}`, '-c', 'createUsers=true'],
    ],
    { environment: localAws.environment, output: 'result' },
  );
  const [event] = events;
  if (exitCode !== 0 || !event) throw new Error(`cdk deploy failed:\n${output}`);
  return event;
}

/** Takes the answers that CloudFormation would take. */
interface AnswerSink {
  nextUrl(): string;
  /** The last answer, and when the whole of it was here. */
  last(): { readonly time: number; readonly answer: Readonly<Record<string, unknown>> };
  close(): void;
}

async function answerSink(): Promise<AnswerSink> {
  let last: ReturnType<AnswerSink['last']> = { time: NaN, answer: {} };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const time = performance.now();
      response.end();
      last = { time, answer: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown> };
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  let signedAt = Date.now();
  return {
    // Events follow one another here in less than the second that tells their order: each is dated an hour after the last.
    nextUrl: () => {
      last = { time: NaN, answer: {} };
      signedAt += 3_600_000;
      const date = new Date(signedAt).toISOString().replace(/[-:]|\.\d{3}/g, '');
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/?X-Amz-Date=${date}`;
    },
    last: () => last,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
