import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { IAMClient } from '@aws-sdk/client-iam';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import type { Clock } from '../../lambda/contract/clock';
import type { WatchEvent } from '../../lambda/contract/watch';
import { createHandler } from '../../lambda/create-handler';
import type { Clients } from '../../lambda/aws/clients';
import type { CustomResourceEvent } from '../../lambda/custom-resource/event';
import type { RotationEvent } from '../../lambda/rotation/event';
import type { CustomResourceResponse } from '../../lambda/custom-resource/response';
import { type LocalAws, type LoggedCall, startLocalAws } from 'local-aws';
import { parseTemplate } from '../../local-aws/src/cloudformation/template/template';
import { sessionOf } from '../../local-aws/test/callers';
import { callDirectly } from '../direct-calls';
import { inProcessRequests, scopeSigner } from '../in-process-requests';
import { ACCOUNT_ID, type Properties, ROLE_NAME, STACK_ID, signedUrl } from './handler-stack';

/** As lib/private/virtual-mfa-device-provider.ts sets it. */
export const FUNCTION_TIMEOUT_MILLISECONDS = 300_000;
const REQUEST_TIMEOUT_MILLISECONDS = 10_000;

/** What one event came to. */
export interface Run {
  /** The bodies that arrived at the response URL, in order; nothing where the function died. */
  readonly answers: readonly string[];
  /** The last of them. */
  readonly answer: CustomResourceResponse;
  /** The calls that arrived, tries included. */
  readonly calls: readonly LoggedCall[];
  /** The actions that the handler called, in the order in which it did: of two calls at once, either may arrive first. */
  readonly actions: readonly string[];
  readonly logLines: readonly string[];
  /** Virtual milliseconds from the event to the end of the handler. */
  readonly elapsedMilliseconds: number;
}

/** What one tick of a watch came to. */
export interface TickRun extends Pick<Run, 'actions' | 'elapsedMilliseconds'> {
  /** What the log says, but for the line with the metrics. */
  readonly logLines: readonly string[];
  /** The metrics by their names, and what else is in their line. */
  readonly counts: Readonly<Record<string, number>>;
}

/** How a tick is made. */
export interface TickOptions {
  readonly repair?: boolean;
  readonly recreate?: boolean;
  /** Without it, as on AWS. */
  readonly settledAfterMilliseconds?: number;
  readonly turns?: Turns;
  /** Of the order of the devices; always the same without it. */
  readonly random?: () => number;
}

/** What one step of a rotation came to. */
export interface RotationRun extends Pick<Run, 'actions' | 'logLines' | 'elapsedMilliseconds'> {
  readonly outcome: 'succeeded' | 'failed' | 'died';
  /** Why it failed. */
  readonly reason: string;
}

/** Told of each call before it is sent, with its place among the calls of its event. */
export type CallObserver = (action: string, place: number, input: Properties) => void;

/** What befalls the handler, and not AWS, at the call of a place. */
export interface Interruption {
  readonly place: number;
  /** Whether the call has taken effect. */
  readonly moment: 'before' | 'after';
  /** The function dies, as at a crash or at its timeout; or it waits for an answer in vain. */
  readonly what: 'death' | 'timeout';
}

/** How an event is run among others: every call, and every wait, at a moment that somebody else chooses. */
export interface Turns {
  /** Makes a call when its turn has come. */
  call<T>(action: string, call: () => Promise<T>): Promise<T>;
  readonly clock: Clock;
}

/** Time that passes at a word: `Date` is the same clock, so that the SDK sees no skew between itself and the account. */
export class VirtualClock implements Clock {
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(start = Date.UTC(2026, 0, 15, 12, 0, 7)) {
    vi.useFakeTimers({ toFake: ['Date'], now: start });
  }

  now(): number {
    return Date.now();
  }

  advance(milliseconds: number): void {
    vi.setSystemTime(Date.now() + milliseconds);
  }

  /** Passes at once, but not before the calls that are under way are answered: they take no time. */
  async sleep(milliseconds: number): Promise<void> {
    await Promise.allSettled(this.#underWay);
    this.advance(milliseconds);
  }

  async during<T>(call: Promise<T>): Promise<T> {
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }
}

/** What is the same of all clients. */
interface Sender {
  send(command: Command): Promise<unknown>;
}

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: object;
}

/** What came to each presigned URL that CloudFormation waits at. */
type Inbox = Map<string, readonly string[]>;

/** The handler, its role, and the account that it works in. */
export class Lifecycle {
  static async start(): Promise<Lifecycle> {
    const clock = new VirtualClock();
    const aws = await startLocalAws({ accountId: ACCOUNT_ID, now: () => clock.now() });
    return Lifecycle.#of(STACK_ID, ROLE_NAME, aws, clock, new Map());
  }

  static async #of(
    stackId: string,
    roleName: string,
    aws: LocalAws,
    clock: VirtualClock,
    inbox: Inbox,
  ): Promise<Lifecycle> {
    await aws.account.invoke('iam', 'CreateRole', {
      RoleName: roleName,
      AssumeRolePolicyDocument: JSON.stringify({
        Statement: { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
      }),
    });
    return new Lifecycle(stackId, roleName, aws, clock, inbox);
  }

  /** The handler and the role of another stack in the same account. */
  async ofAnotherStack(): Promise<Lifecycle> {
    return Lifecycle.#of(`${STACK_ID}-of-another`, `${ROLE_NAME}-of-another`, this.aws, this.clock, this.inbox);
  }

  observer: CallObserver | undefined;
  interruption: Interruption | undefined;
  /** The stack as CloudFormation shows it: a test moves it to the status that it needs. */
  readonly stack: ReturnType<LocalAws['cloudFormation']['stacks']['add']>;
  /** The calls of a run before this place are made without the SDK: see callDirectly. */
  directUntil = 0;
  readonly #credentials: ReturnType<typeof sessionOf>;
  readonly #clients: Clients;
  #subjects = 0;
  #sent: string[] = [];
  #logged: readonly string[] = [];
  #crash: () => void = () => undefined;

  private constructor(
    readonly stackId: string,
    readonly roleName: string,
    readonly aws: LocalAws,
    readonly clock: VirtualClock,
    private readonly inbox: Inbox,
  ) {
    this.stack = aws.cloudFormation.stacks.add(stackId.split('/')[1] ?? '', stackId);
    this.stack.enter('CREATE_COMPLETE', undefined);
    this.#credentials = sessionOf(aws, roleName, 'handler', 10 * 365 * 86_400);
    this.#clients = this.#clientsOfRole();
  }

  /**
   * Clears all faults and interruptions before a test turns to another resource.
   *
   * @returns the number of that resource
   */
  beginSubject(): number {
    this.aws.account.faults.clear();
    this.observer = undefined;
    this.interruption = undefined;
    this.#subjects += 1;
    return this.#subjects;
  }

  /** Runs the handler on an event, as Lambda would, and collects what it answered. */
  async run(event: CustomResourceEvent, turns?: Turns, { isHttpAllowed } = { isHttpAllowed: true }): Promise<Run> {
    const { account } = this.aws;
    const callsBefore = account.calls.length;
    const invoked = await this.#invoke(event, event.RequestId, { isHttpAllowed, ...(turns ? { turns } : {}) });
    const made = account.calls.after(callsBefore).filter(({ source }) => source === 'http');
    const answers = this.inbox.get(event.ResponseURL) ?? [];
    return {
      ...invoked,
      answers,
      answer: JSON.parse(answers.at(-1) ?? '{}') as CustomResourceResponse,
      calls: made,
    };
  }

  /** Runs the handler on what the schedule of a watch sends. */
  async tick(event: WatchEvent, options: Omit<TickOptions, 'repair' | 'recreate'> = {}): Promise<TickRun> {
    const { logLines, ...rest } = await this.#invoke(event, 'tick', options);
    const metrics = logLines.filter((line) => line.includes('CloudWatchMetrics'));
    const counts = JSON.parse(metrics[0] ?? '{}') as Record<string, number>;
    if (metrics.length > 1) throw new Error('A tick has written its metrics more than once');
    return { ...rest, counts, logLines: logLines.filter((line) => !metrics.includes(line)) };
  }

  /** Runs the handler on one step of a rotation, as Secrets Manager would. */
  async rotate(event: RotationEvent, turns?: Turns): Promise<RotationRun> {
    const id = randomUUID();
    const began = this.clock.now();
    try {
      const { isDead, ...run } = await this.#invoke(event, id, turns ? { turns } : {});
      return { ...run, outcome: isDead ? 'died' : 'succeeded', reason: '' };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const elapsedMilliseconds = this.clock.now() - began;
      return { outcome: 'failed', reason, actions: this.#sent, logLines: this.#logged, elapsedMilliseconds };
    }
  }

  async #invoke(
    event: CustomResourceEvent | RotationEvent | WatchEvent,
    requestId: string,
    options: TickOptions & { readonly isHttpAllowed?: boolean },
  ): Promise<Pick<Run, 'actions' | 'logLines' | 'elapsedMilliseconds'> & { readonly isDead: boolean }> {
    const { turns, random = () => 1, isHttpAllowed = true, settledAfterMilliseconds } = options;
    const clock = turns?.clock ?? this.clock;
    const started = clock.now();
    const logLines: string[] = [];
    this.#logged = logLines;
    const handle = createHandler(this.#clientsFor(turns), clock, random, settledAfterMilliseconds);
    this.#sent = [];
    const crashed = new Promise<void>((resolve) => (this.#crash = resolve));
    const put = async (url: string, body: Buffer) => {
      this.inbox.set(url, [...(this.inbox.get(url) ?? []), body.toString('utf8')]);
      return 200;
    };
    const responding = () =>
      handle(event, {
        requestId,
        remainingMilliseconds: FUNCTION_TIMEOUT_MILLISECONDS,
        write: (line) => logLines.push(line),
        isHttpAllowed,
        put,
      });
    const isDead = await Promise.race([responding().then(() => false), crashed.then(() => true)]);
    return { actions: this.#sent, logLines, elapsedMilliseconds: this.clock.now() - started, isDead };
  }

  /** Gives the stack another template, with users of these logical ids. */
  declareUsers(...logicalIds: readonly string[]): void {
    const resources = logicalIds.map((logicalId) => [logicalId, { Type: 'AWS::IAM::User' }] as const);
    const templateBody = JSON.stringify({ Resources: Object.fromEntries(resources) });
    const nothingElse = { parameters: [], tags: [], capabilities: [], notificationArns: [] };
    this.stack.definition = { templateBody, template: parseTemplate(templateBody), ...nothingElse };
  }

  responseUrl(requestId: string): string {
    return signedUrl(`http://inbox.invalid/${requestId}`, this.clock.now());
  }

  async close(): Promise<void> {
    const { cloudFormation, iam, secretsManager } = this.#clients;
    for (const client of [cloudFormation, iam, secretsManager]) client.destroy();
    await this.aws.close();
    vi.useRealTimers();
  }

  /** Clients of the handler's role. */
  #clientsOfRole(): Clients {
    const { aws } = this;
    const credentials = this.#credentials;
    const configurationFor = (service: string) => ({
      region: 'us-east-1',
      endpoint: aws.url,
      credentials,
      signer: scopeSigner(service, credentials),
      maxAttempts: 1,
      // Without these two the SDK plans each call anew, and describes itself in it, which takes a sixth of the time.
      cacheMiddleware: true,
      defaultUserAgentProvider: async () => [],
      requestHandler: inProcessRequests(aws),
    });
    return {
      cloudFormation: new CloudFormationClient(configurationFor('cloudformation')),
      iam: new IAMClient(configurationFor('iam')),
      secretsManager: new SecretsManagerClient(configurationFor('secretsmanager')),
    };
  }

  /** The same clients as one run of the handler has them. @param turns whose calls they make, if they wait for their turn */
  #clientsFor(turns: Turns | undefined): Clients {
    const { cloudFormation, iam, secretsManager } = this.#clients;
    return {
      cloudFormation: this.#observedClient('cloudformation', cloudFormation, turns),
      iam: this.#observedClient('iam', iam, turns),
      secretsManager: this.#observedClient('secretsmanager', secretsManager, turns),
    };
  }

  /** A client whose calls are observed. It is no client of its own: to make one takes longer than most of its calls. */
  #observedClient<T extends Clients[keyof Clients]>(service: string, client: T, turns: Turns | undefined): T {
    const sender = client as Sender;
    const send = (command: Command) =>
      this.#observed(service, command.constructor.name, command.input, () => sender.send(command), turns);
    return Object.assign(Object.create(client) as T, { send });
  }

  async #observed<T>(
    service: string,
    commandName: string,
    input: object,
    send: () => Promise<T>,
    turns: Turns | undefined,
  ): Promise<T> {
    const name = commandName.replace(/Command$/, '');
    const place = this.#sent.length;
    const direct = () => callDirectly(this.aws, this.#credentials, service, name, input) as Promise<T>;
    const call = () => this.clock.during(place < this.directUntil ? direct() : send());
    const action = `${service}:${name}`;
    if (turns) return turns.call(action, call);
    this.#sent.push(action);
    this.observer?.(action, place, input as Properties);
    if (this.interruption?.place !== place) return call();
    if (this.interruption.moment === 'after') await call().catch(() => undefined);
    return this.#interrupt(this.interruption);
  }

  async #interrupt({ what }: Interruption): Promise<never> {
    if (what === 'death') {
      this.#crash();
      // Nothing comes after this.
      return new Promise(() => undefined);
    }
    this.clock.advance(REQUEST_TIMEOUT_MILLISECONDS);
    // As the SDK's request handler puts it.
    throw Object.assign(new Error('The request timed out'), { name: 'TimeoutError' });
  }
}
