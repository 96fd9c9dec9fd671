import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { LOGICAL_ID_TAG, STACK_ID_TAG, USER_NAME_TAG } from '../../lambda/contract/own-tags';
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import { type LocalAws, type LocalAwsOptions, startLocalAws } from 'local-aws';
import { putHandlerPolicies, ROLE_NAME, signedUrl, STACK_ID } from './handler-stack';

const FUNCTION_NAME = 'handler';
const LOGICAL_ID = 'Mfa';

type Answer = Readonly<Record<string, unknown>>;

/** A user with an empty seed secret, and what CloudFormation would tell the function of them. */
export interface RealUser {
  readonly userName: string;
  readonly properties: { readonly UserName: string; readonly SeedSecretArn: string };
}

/** The shipped bundle as the function of an account: each test kills its process, a real one of Node 24. */
export class ShippedFunction {
  static async start(options: LocalAwsOptions): Promise<ShippedFunction> {
    const aws = await startLocalAws(options);
    const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
    const { Role } = await aws.account.invoke('iam', 'CreateRole', {
      RoleName: ROLE_NAME,
      AssumeRolePolicyDocument: JSON.stringify({ Statement: trust }),
    });
    const arn = await aws.lambda.createFunction(
      {
        FunctionName: FUNCTION_NAME,
        Role: (Role as { Arn: string }).Arn,
        Handler: 'index.handler',
        Runtime: 'nodejs24.x',
        Timeout: 300,
      },
      { source: readFileSync(join(__dirname, '../../dist/handler/index.js'), 'utf8') },
    );
    const started = new ShippedFunction(aws, arn);
    await new Promise<void>((listening) => started.#inbox.listen(0, '127.0.0.1', listening));
    return started;
  }

  readonly #inbox: Server;
  readonly #waiting = new Map<string, (answer: Answer) => void>();
  #users = 0;
  #requests = 0;

  private constructor(
    readonly aws: LocalAws,
    readonly arn: string,
  ) {
    this.#inbox = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const answer = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Answer;
        this.#waiting.get(String(answer.RequestId))?.(answer);
        response.end();
      });
    });
  }

  async newUser(): Promise<RealUser> {
    this.#users += 1;
    const userName = `bob${this.#users}`;
    await this.aws.account.invoke('iam', 'CreateUser', { UserName: userName });
    const { ARN } = await this.aws.account.invoke('secretsmanager', 'CreateSecret', {
      Name: `seed-${this.#users}`,
      Tags: [
        { Key: STACK_ID_TAG, Value: STACK_ID },
        { Key: LOGICAL_ID_TAG, Value: LOGICAL_ID },
        { Key: USER_NAME_TAG, Value: userName },
      ],
    });
    await putHandlerPolicies(this.aws, [userName, `eve${this.#users}`]);
    return { userName, properties: { UserName: userName, SeedSecretArn: String(ARN) } };
  }

  /** Sends an event as CloudFormation does, and returns what the function answers. Lambda runs the event again if the function dies. */
  async send(event: Answer): Promise<Answer> {
    const { request, answered } = this.#request(event);
    this.aws.lambda.invokeAsync(FUNCTION_NAME, request);
    return answered;
  }

  /** Sends an event and waits for the function to be idle again, so that a kill later on befalls the later event alone. */
  async completed(event: Answer): Promise<Answer> {
    const { request, answered } = this.#request(event);
    await this.aws.lambda.invoke(FUNCTION_NAME, request);
    return answered;
  }

  /** Creates a user's device; returns its physical id. */
  async created(properties: RealUser['properties']): Promise<string> {
    return String((await this.completed({ RequestType: 'Create', ResourceProperties: properties })).PhysicalResourceId);
  }

  kill(): void {
    this.aws.lambda.killRunning(FUNCTION_NAME);
  }

  async currentSeed({ properties }: RealUser): Promise<StoredSeed> {
    const input = { SecretId: properties.SeedSecretArn };
    const { SecretString } = await this.aws.account.invoke('secretsmanager', 'GetSecretValue', input);
    return JSON.parse(String(SecretString)) as StoredSeed;
  }

  enabledFor({ userName }: RealUser): string[] {
    return this.aws.iam.devicesOf(userName).map(({ serialNumber }) => serialNumber);
  }

  /** Serial numbers of the devices that the function has made for a user. */
  devicesFor({ userName }: RealUser): string[] {
    return [...this.aws.iam.virtualMfaDevices.keys()].filter((serialNumber) => serialNumber.includes(`/${userName}-`));
  }

  async close(): Promise<void> {
    this.#inbox.closeAllConnections();
    this.#inbox.close();
    await this.aws.close();
  }

  #request(event: Answer): { readonly request: Answer; readonly answered: Promise<Answer> } {
    const RequestId = randomUUID();
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(RequestId, resolve));
    this.#requests += 1;
    const inboxUrl = `http://127.0.0.1:${(this.#inbox.address() as AddressInfo).port}/`;
    // Signed at a minute of its own: requests follow one another in less than the second that tells them apart.
    const ResponseURL = signedUrl(inboxUrl, Date.UTC(2026, 0, 1, 0, this.#requests));
    const request = { ...event, RequestId, ResponseURL, StackId: STACK_ID, LogicalResourceId: LOGICAL_ID };
    return { request, answered };
  }
}
