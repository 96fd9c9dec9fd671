import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { IAMClient } from '@aws-sdk/client-iam';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { randomUUID } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { inject, vi } from 'vitest';
import type { Clock } from '../../lambda/contract/clock';
import type { WatchEvent } from '../../lambda/contract/watch';
import {
  EXISTING_SEED_FIELD_TAG,
  EXISTING_SEED_TAG,
  LOGICAL_ID_TAG,
  SEED_VERSION_TAG,
  STACK_ID_TAG,
  USER_NAME_TAG,
} from '../../lambda/contract/own-tags';
import type { ExistingVirtualMfaDeviceProperties } from '../../lambda/contract/properties';
import { type StoredSeed, storedSeedOf } from '../../lambda/contract/stored-seed';
import { createHandler } from '../../lambda/create-handler';
import { readEnrollmentRequest } from '../../lambda/device/enrollment-request';
import type { Clients } from '../../lambda/aws/clients';
import type { CustomResourceEvent } from '../../lambda/custom-resource/event';
import type { RotationEvent } from '../../lambda/rotation/event';
import type { CustomResourceResponse } from '../../lambda/custom-resource/response';
import { evaluate, type LocalAws, type LoggedCall, type Scope, startLocalAws } from 'local-aws';
import { parseTemplate } from '../../local-aws/src/cloudformation/template/template';
import { keyOf, sessionOf } from '../../local-aws/test/callers';
import { callDirectly } from '../direct-calls';
import { inProcessRequests, scopeSigner } from '../in-process-requests';

export const ACCOUNT_ID = '123456789012';
export const STACK_ID = `arn:aws:cloudformation:us-east-1:${ACCOUNT_ID}:stack/users/8f5c2a10-aaaa-bbbb-cccc-0123456789ab`;
/** As lib/private/virtual-mfa-device-provider.ts sets it. */
export const FUNCTION_TIMEOUT_MILLISECONDS = 300_000;
const REQUEST_TIMEOUT_MILLISECONDS = 10_000;
export const ROLE_NAME = 'virtual-mfa-device-provider';

/** The seed of a device that somebody else made, and knows. */
export const KNOWN_SEED = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

export type Properties = Readonly<Record<string, unknown>>;

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

  /** A resource of the stack, with users and an empty seed secret of its own. The role may act on this resource's users only. */
  async newSubject(): Promise<Subject> {
    this.#subjects += 1;
    this.aws.account.faults.clear();
    this.observer = undefined;
    this.interruption = undefined;
    const logicalId = `Mfa${this.#subjects}`;
    const suffix = `${this.#subjects}${this.stackId.slice(STACK_ID.length)}`;
    const userNames = [`bob${suffix}`, `eve${suffix}`] as const;
    for (const UserName of userNames) await this.aws.account.invoke('iam', 'CreateUser', { UserName });
    const secret = await this.aws.account.invoke('secretsmanager', 'CreateSecret', {
      Name: `seed-${suffix}`,
      Tags: [
        { Key: STACK_ID_TAG, Value: this.stackId },
        { Key: LOGICAL_ID_TAG, Value: logicalId },
        { Key: USER_NAME_TAG, Value: userNames[0] },
        ...tagsByCloudFormation(`${logicalId}Seed`, this.stackId),
      ],
    });
    await putHandlerPolicies(this.aws, userNames, this.stackId, this.roleName);
    return new Subject(this, logicalId, userNames, String(secret['ARN']));
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

/** One custom resource: builds its events, runs them, and looks at what they left in the account. */
export class Subject {
  readonly userName: string;
  readonly otherUserName: string;
  #existing: { readonly Existing: ExistingVirtualMfaDeviceProperties } | undefined;

  constructor(
    readonly lifecycle: Lifecycle,
    readonly logicalId: string,
    [userName, otherUserName]: readonly [string, string],
    readonly seedSecretArn: string,
  ) {
    this.userName = userName;
    this.otherUserName = otherUserName;
  }

  get aws(): LocalAws {
    return this.lifecycle.aws;
  }

  /** Properties as CloudFormation delivers them: each scalar a string. */
  properties(changes: Properties = {}): Properties {
    return {
      ServiceToken: `arn:aws:lambda:us-east-1:${ACCOUNT_ID}:function:handler`,
      ServiceTimeout: '1800',
      UserName: this.userName,
      SeedSecretArn: this.seedSecretArn,
      ...changes,
    };
  }

  serialNumber(changes: Properties = {}): string {
    return this.#request(changes).serialNumber;
  }

  event(
    type: Pick<CustomResourceEvent, 'RequestType' | 'PhysicalResourceId' | 'OldResourceProperties'>,
    changes: Properties = {},
  ): CustomResourceEvent {
    const RequestId = randomUUID();
    return {
      ...type,
      RequestId,
      ResponseURL: this.lifecycle.responseUrl(RequestId),
      StackId: this.lifecycle.stackId,
      LogicalResourceId: this.logicalId,
      ResourceProperties: this.properties(changes),
    };
  }

  /** Gives the secret the tags of a template, which CloudFormation does before it sends the event. */
  async tagSecret(properties: Properties): Promise<void> {
    const existing = properties.Existing as ExistingVirtualMfaDeviceProperties | undefined;
    const source = [
      { Key: EXISTING_SEED_TAG, Value: existing?.SeedSecretArn ?? '' },
      { Key: EXISTING_SEED_FIELD_TAG, Value: existing?.SeedField ?? '' },
    ];
    const Tags = [
      { Key: USER_NAME_TAG, Value: String(properties.UserName) },
      ...(this.#existing || existing ? source : []),
    ];
    const tagging = this.administrate('secretsmanager', 'TagResource', { SecretId: this.seedSecretArn, Tags });
    // A secret that somebody deleted stays deleted.
    await tagging.catch(() => undefined);
  }

  async create(changes: Properties = {}): Promise<Run> {
    await this.tagSecret(this.properties(changes));
    return this.lifecycle.run(this.event({ RequestType: 'Create' }, changes));
  }

  /** @param physicalResourceId the serial number that belongs to the old properties, by default */
  async update(from: Properties, to: Properties, physicalResourceId = this.serialNumber(from)): Promise<Run> {
    await this.tagSecret(this.properties(to));
    const type = { RequestType: 'Update', PhysicalResourceId: physicalResourceId } as const;
    return this.lifecycle.run(this.event({ ...type, OldResourceProperties: this.properties(from) }, to));
  }

  /** What the schedule of a watch sends for this resource alone. */
  watchEvent({ repair = false, recreate = false }: TickOptions = {}, properties = this.properties()): WatchEvent {
    return watchEventFor(this.lifecycle.stackId, [{ LogicalResourceId: this.logicalId, properties }], repair, recreate);
  }

  /** One tick of a watch, long after the latest deployment. */
  async tick(options: TickOptions = {}): Promise<TickRun> {
    this.lifecycle.clock.advance(2 * 60 * 60_000);
    return this.lifecycle.tick(this.watchEvent(options), options);
  }

  delete(physicalResourceId = this.serialNumber(), changes: Properties = {}): Promise<Run> {
    return this.lifecycle.run(this.event({ RequestType: 'Delete', PhysicalResourceId: physicalResourceId }, changes));
  }

  /**
   * Has Secrets Manager rotate the seed, and tells how each step ended.
   *
   * @param beforeStep is told of the steps before
   */
  async rotate(
    token: string = randomUUID(),
    beforeStep: (runs: readonly RotationRun[]) => void = () => undefined,
  ): Promise<readonly RotationRun[]> {
    const { secretsManager } = this.aws;
    const runs: RotationRun[] = [];
    secretsManager.onRotation(async (_functionArn, event) => {
      beforeStep(runs);
      const run = await this.lifecycle.rotate(event);
      runs.push(run);
      if (run.outcome !== 'succeeded') throw new Error(run.reason);
    });
    await this.administrate('secretsmanager', 'RotateSecret', {
      SecretId: this.seedSecretArn,
      ClientRequestToken: token,
      RotationLambdaARN: `arn:aws:lambda:us-east-1:${ACCOUNT_ID}:function:handler`,
      RotationRules: { AutomaticallyAfterDays: 30 },
      RotateImmediately: true,
    });
    await secretsManager.ended();
    return runs;
  }

  /** Does something as an administrator of the account, outside of any stack. */
  administrate(service: string, action: string, input: Properties): Promise<Readonly<Record<string, unknown>>> {
    return this.aws.account.invoke(service, action, input);
  }

  /** Leaves a device of this resource behind, not enabled and with its seed stored nowhere. */
  async orphanWithoutSeed(changes: Properties = {}): Promise<void> {
    const { path, virtualMfaDeviceName, tags } = this.#request(changes);
    const seedVersion = { Key: SEED_VERSION_TAG, Value: `20260115T110000Z-${randomUUID()}` };
    const input = { Path: path, VirtualMFADeviceName: virtualMfaDeviceName, Tags: [...tags, seedVersion] };
    await this.administrate('iam', 'CreateVirtualMFADevice', input);
  }

  /** Writes a whole stored seed into the secret, as anybody may who has secretsmanager:PutSecretValue. */
  async plantSeed(seed: string, versionId: string, serialNumber = this.serialNumber()): Promise<void> {
    const owner = { serialNumber, userName: this.userName, issuer: 'Amazon Web Services', accountId: ACCOUNT_ID };
    await this.administrate('secretsmanager', 'PutSecretValue', {
      SecretId: this.seedSecretArn,
      ClientRequestToken: versionId,
      SecretString: JSON.stringify(storedSeedOf(owner, seed)),
    });
  }

  /** Takes the device away from its user, as a person in the console might. */
  async deactivate(serialNumber = this.serialNumber(), userName = this.userName): Promise<void> {
    await this.administrate('iam', 'DeactivateMFADevice', { UserName: userName, SerialNumber: serialNumber });
  }

  /** Puts a device of somebody else into the account. */
  foreignDevice(serialNumber: string, options: { enabledFor?: string; tags?: readonly [string, string][] } = {}): void {
    const enableDate = new Date(this.lifecycle.clock.now());
    this.aws.iam.virtualMfaDevices.set(serialNumber, {
      serialNumber,
      seed: KNOWN_SEED,
      tags: new Map(options.tags ?? [[STACK_ID_TAG, `${STACK_ID}-of-someone-else`]]),
      driftTimeSteps: 0,
      ...(options.enabledFor === undefined ? {} : { assignment: { userName: options.enabledFor, enableDate } }),
    });
  }

  /**
   * Puts a device that somebody else has made into the account, and its seed into a secret of theirs.
   *
   * @param secretString what the secret holds; the seed without it
   * @returns the property that adopts the device
   */
  async existingDevice(
    options: Parameters<Subject['foreignDevice']>[1] = {},
    secretString = KNOWN_SEED,
  ): Promise<{ readonly Existing: ExistingVirtualMfaDeviceProperties }> {
    const SerialNumber = this.existingSerialNumber;
    this.foreignDevice(SerialNumber, { tags: [], ...options });
    const secret = await this.administrate('secretsmanager', 'CreateSecret', {
      Name: `${inject('handlerPolicies').existingSeedPrefix}${this.userName}`,
      SecretString: secretString,
    });
    this.#existing = { Existing: { SerialNumber, SeedSecretArn: String(secret['ARN']) } };
    return this.#existing;
  }

  /** The property that adopts the device of `existingDevice`. */
  get existing(): Properties {
    return { ...this.#existing };
  }

  get existingSerialNumber(): string {
    return `arn:aws:iam::${ACCOUNT_ID}:mfa/phones/phone-of-${this.userName}`;
  }

  /** Everything there is to know of a device, or undefined. */
  device(serialNumber = this.serialNumber()) {
    return this.aws.iam.virtualMfaDevices.get(serialNumber);
  }

  /** Serial numbers of the devices that carry this resource's marks. */
  ownDevices(): string[] {
    return [...this.aws.iam.virtualMfaDevices.values()]
      .filter(
        ({ tags }) => tags.get(STACK_ID_TAG) === this.lifecycle.stackId && tags.get(LOGICAL_ID_TAG) === this.logicalId,
      )
      .map(({ serialNumber }) => serialNumber);
  }

  /** The serial numbers that are enabled for a user. */
  enabledFor(userName = this.userName): string[] {
    return this.aws.iam.devicesOf(userName).map(({ serialNumber }) => serialNumber);
  }

  /** What the secret holds under a staging label, or undefined. */
  async stored(label = 'AWSCURRENT'): Promise<StoredSeed | undefined> {
    try {
      const input = { SecretId: this.seedSecretArn, VersionStage: label };
      const { SecretString } = await this.administrate('secretsmanager', 'GetSecretValue', input);
      return JSON.parse(String(SecretString)) as StoredSeed;
    } catch {
      return undefined;
    }
  }

  /** Signs in as a user with the next code of the stored seed: resolves only if STS takes the code. */
  async signIn(serialNumber = this.serialNumber(), userName = this.userName): Promise<void> {
    const stored = await this.stored();
    this.lifecycle.clock.advance(30_000);
    const TokenCode = codeOf(stored?.seed ?? '', this.lifecycle.clock.now());
    const input = { SerialNumber: serialNumber, TokenCode };
    await callDirectly(this.aws, keyOf(this.aws, userName), 'sts', 'GetSessionToken', input);
  }

  #request(changes: Properties) {
    return readEnrollmentRequest({
      StackId: this.lifecycle.stackId,
      LogicalResourceId: this.logicalId,
      ResourceProperties: this.properties(changes),
    });
  }
}

/** What the schedule of a watch sends. */
export function watchEventFor(
  StackId: string,
  devices: readonly { readonly LogicalResourceId: string; readonly properties: Properties }[],
  Repair: boolean,
  Recreate: boolean,
): WatchEvent {
  const Devices = devices.map(({ properties, ...device }) => ({ ...device, ResourceProperties: properties }));
  return { Watch: { StackId, StackName: 'users', Repair, Recreate, Devices } };
}

/** The code of a seed at a moment, by a library that the product does not use. */
export function codeOf(seed: string, timestamp: number): string {
  return new TOTP({ secret: Secret.fromBase32(seed), algorithm: 'SHA1', digits: 6, period: 30 }).generate({
    timestamp,
  });
}

/** What looks like a code in a text, but for the six characters that Secrets Manager adds to a secret's name: they may all be digits. */
export function codesIn(said: string): readonly string[] {
  return said.replaceAll(/(:secret:[\w-]+)-\w{6}\b/g, '$1').match(/\b\d{6}\b/g) ?? [];
}

/** A URL that CloudFormation signed at a moment, in milliseconds since the epoch. */
export function signedUrl(url: string, signedAt: number): string {
  return `${url}?X-Amz-Date=${new Date(signedAt).toISOString().replace(/[-:]|\.\d{3}/g, '')}`;
}

/** Actions that change something. */
export function writing(actions: readonly string[]): string[] {
  return actions.filter((action) => !/:(?:List|Get|Describe)/.test(action));
}

/** Actions that change something in IAM. */
export function iamWrites(actions: readonly string[]): string[] {
  return writing(actions).filter((action) => action.startsWith('iam:'));
}

/** What came to each presigned URL that CloudFormation waits at. */
type Inbox = Map<string, readonly string[]>;

/** The tags that CloudFormation puts on a secret of a stack, and that nobody else can set. */
export function tagsByCloudFormation(logicalId: string, stackId = STACK_ID): { Key: string; Value: string }[] {
  return [
    { Key: 'aws:cloudformation:stack-id', Value: stackId },
    { Key: 'aws:cloudformation:logical-id', Value: logicalId },
  ];
}

/** Gives a role the policies that the library synthesizes for the handler, as CloudFormation resolves them for a stack of two users. */
export async function putHandlerPolicies(
  { account, iam }: LocalAws,
  userNames: readonly [string, string],
  stackId = STACK_ID,
  RoleName = ROLE_NAME,
): Promise<void> {
  const { documents, users } = inject('handlerPolicies');
  const pseudoParameters: Readonly<Record<string, string>> = {
    'AWS::AccountId': account.accountId,
    'AWS::Partition': account.partition,
    'AWS::Region': account.region,
    'AWS::StackId': stackId,
  };
  const unexpected = (name: string): never => {
    throw new Error(`The handler's policies refer to ${name}, which the tests do not know`);
  };
  const scope: Scope = {
    region: account.region,
    ref: (name) => pseudoParameters[name] ?? unexpected(name),
    getAtt: (logicalId) => {
      const userName = userNames[users.indexOf(logicalId)];
      // What is no user is the log group, which the function writes to without calling it.
      return userName === undefined ? account.arn('logs', `log-group:${logicalId}:*`) : iam.arnOfUserNamed(userName);
    },
    condition: unexpected,
    mapping: unexpected,
    importValue: unexpected,
  };
  for (const [PolicyName, document] of Object.entries(documents)) {
    const PolicyDocument = JSON.stringify(evaluate(document, scope));
    await account.invoke('iam', 'PutRolePolicy', { RoleName, PolicyName, PolicyDocument });
  }
}
