import { expect } from 'vitest';
import type { CustomResourceEvent } from '../../lambda/custom-resource/event';
import type { CustomResourceResponse } from '../../lambda/custom-resource/response';
import type { Properties } from './handler-stack';
import type { Run, Turns, VirtualClock } from './lifecycle';
import type { Subject } from './subject';
import { Killed, type Scheduler } from './scheduler';

/** How an operation on the stack ends, apart from what the custom resource answers. */
export type Fate =
  /** With the resource's own answer. */
  | 'runs through'
  /** Another resource fails once this one has answered. */
  | 'rolls back'
  /** Another resource fails, or somebody cancels, at any moment: CloudFormation does not wait for the answer. */
  | 'is overtaken';

/** A change of the template, and how it ends. */
export interface Operation {
  readonly change: Properties;
  readonly fate: Fate;
}

/** What Lambda does with one of the events, by the order in which CloudFormation sends them. */
export interface Delivery {
  /** Delivers it twice. */
  readonly twice: boolean;
  /** The first run dies right before this call, and Lambda runs the event again. */
  readonly diesBefore: number | undefined;
}

const NO_RESOURCE = undefined;
const REPEATS = 3;

/** What CloudFormation believes of the resource. */
interface Deployed {
  readonly properties: Properties;
  readonly physicalResourceId: string;
}

/** Lets a run of the function act in turns. @param onDeath it dies right before a call; its event is run again */
export function turnsOf(
  scheduler: Scheduler,
  name: string,
  clock: VirtualClock,
  diesBefore: number | undefined,
  onDeath: () => void,
): Turns {
  let calls = 0;
  return {
    call: (action, call) =>
      scheduler.turn(name, action, () => {
        calls += 1;
        if (calls - 1 !== diesBefore) return call();
        onDeath();
        throw new Killed();
      }),
    clock: {
      now: () => clock.now(),
      sleep: (milliseconds) => {
        const end = clock.now() + milliseconds;
        return scheduler.turn(name, 'wakes', () => clock.advance(Math.max(0, end - clock.now())));
      },
    },
  };
}

/** CloudFormation and Lambda, as far as one custom resource meets them: sends events, takes answers, rolls back, cleans up. */
export class StackOperations {
  deployed: Deployed | undefined = NO_RESOURCE;
  readonly answered = new Map<string, CustomResourceResponse>();
  readonly said: string[] = [];
  readonly #name: string;
  #sent = 0;

  constructor(
    private readonly subject: Subject,
    private readonly scheduler: Scheduler,
    private readonly deliveries: readonly Delivery[],
    /** Told of each answer that CloudFormation takes, before anything else happens. */
    private readonly onAnswer: (event: CustomResourceEvent, answer: CustomResourceResponse) => Promise<void>,
  ) {
    this.#name = `CloudFormation of ${subject.userName}`;
  }

  /** The name under which it takes its turns. */
  get name(): string {
    return this.#name;
  }

  async create(properties: Properties, fate: Fate): Promise<void> {
    const answer = await this.#answerTo(this.subject.event({ RequestType: 'Create' }, properties), fate);
    const invented = `users-${this.subject.logicalId}-1X2Y3Z`;
    this.deployed = { properties, physicalResourceId: answer?.PhysicalResourceId ?? invented };
    if (answer?.Status !== 'SUCCESS' || fate !== 'runs through') await this.delete();
  }

  async update({ change, fate }: Operation): Promise<void> {
    const { deployed } = this;
    if (!deployed) return;
    const properties = { ...deployed.properties, ...change };
    const answer = await this.#answerTo(this.#updateEvent(deployed, properties), fate);
    const updated = { properties, physicalResourceId: answer?.PhysicalResourceId ?? deployed.physicalResourceId };
    if (answer?.Status === 'SUCCESS' && fate === 'runs through') {
      this.deployed = updated;
      await this.#cleanUp(deployed, updated);
      return;
    }
    const returned = await this.#untilSuccess(() => this.#updateEvent(updated, deployed.properties));
    this.deployed = { ...deployed, physicalResourceId: returned.PhysicalResourceId };
    await this.#cleanUp(updated, this.deployed);
  }

  async delete(): Promise<void> {
    const { deployed } = this;
    if (!deployed) return;
    await this.#untilSuccess(() => this.#deleteEvent(deployed));
    this.deployed = NO_RESOURCE;
  }

  /** Deletes what the template held beside the resource: at once, as CloudFormation would. */
  async deleteTheRest(): Promise<void> {
    const { subject } = this;
    const SecretId = subject.seedSecretArn;
    const input = { SecretId, ForceDeleteWithoutRecovery: true };
    await this.#turn('deletes the secret', () => subject.administrate('secretsmanager', 'DeleteSecret', input));
    for (const UserName of [subject.userName, subject.otherUserName]) {
      // A run that is late may enable a device that was given back, until it notices: a person deletes the user again then.
      const isFree = () => subject.existing.Existing === undefined || subject.enabledFor(UserName).length === 0;
      await this.#turn(`deletes ${UserName}`, () => subject.administrate('iam', 'DeleteUser', { UserName }), isFree);
    }
  }

  async #cleanUp(old: Deployed, { physicalResourceId }: Deployed): Promise<void> {
    if (old.physicalResourceId === physicalResourceId) return;
    await this.#untilSuccess(() => this.#deleteEvent(old));
  }

  #updateEvent(from: Deployed, to: Properties): CustomResourceEvent {
    const { physicalResourceId: PhysicalResourceId, properties } = from;
    const OldResourceProperties = this.subject.properties(properties);
    return this.subject.event({ RequestType: 'Update', PhysicalResourceId, OldResourceProperties }, to);
  }

  #deleteEvent({ physicalResourceId: PhysicalResourceId, properties }: Deployed): CustomResourceEvent {
    return this.subject.event({ RequestType: 'Delete', PhysicalResourceId }, properties);
  }

  /** A rollback or a clean-up that fails is tried again: by CloudFormation, or by a person. */
  async #untilSuccess(event: () => CustomResourceEvent): Promise<CustomResourceResponse> {
    for (let tries = 1; ; tries += 1) {
      const answer = await this.#answerTo(event(), 'runs through');
      if (answer?.Status === 'SUCCESS') return answer;
      if (tries === REPEATS) throw new Error(`CloudFormation is stuck: ${answer?.Reason}`);
    }
  }

  /** Undefined where CloudFormation went on without an answer. */
  async #answerTo(event: CustomResourceEvent, fate: Fate): Promise<CustomResourceResponse | undefined> {
    const dated = await this.#turn(`sends ${event.RequestType} ${this.#sent + 1}`, () => this.#send(event));
    const isReady = () => fate === 'is overtaken' || this.answered.has(dated.RequestId);
    return this.scheduler.turn(
      this.#name,
      fate === 'is overtaken' ? 'goes on' : 'takes the answer',
      async () => {
        const answer = this.answered.get(dated.RequestId);
        if (answer && fate !== 'is overtaken') await this.onAnswer(dated, answer);
        return answer;
      },
      isReady,
    );
  }

  async #send(event: CustomResourceEvent): Promise<CustomResourceEvent> {
    const { lifecycle } = this.subject;
    if (event.RequestType !== 'Delete') await this.subject.tagSecret(event.ResourceProperties);
    // CloudFormation takes seconds from one request to the next.
    lifecycle.clock.advance(2_000);
    const dated = { ...event, ResponseURL: lifecycle.responseUrl(event.RequestId) };
    const { twice, diesBefore } = this.deliveries[this.#sent] ?? { twice: false, diesBefore: undefined };
    this.#sent += 1;
    const name = `${event.RequestType} ${this.#sent} of ${this.subject.userName}`;
    this.#invoke(name, dated, diesBefore);
    if (twice) this.#invoke(`${name}, delivered again`, dated, undefined);
    return dated;
  }

  #invoke(name: string, event: CustomResourceEvent, diesBefore: number | undefined): void {
    const { scheduler } = this;
    const again = () => this.#invoke(`${name}, run again`, event, undefined);
    const turns = turnsOf(scheduler, name, this.subject.lifecycle.clock, diesBefore, again);
    scheduler.join(name, async () => {
      await scheduler.turn(name, 'starts', () => undefined);
      const run = await this.subject.lifecycle.run(event, turns);
      this.#take(event, run);
    });
  }

  #take(event: CustomResourceEvent, { answers, answer, logLines }: Run): void {
    expect(answers.length).toBeGreaterThan(0);
    this.said.push(...answers, ...logLines);
    if (!this.answered.has(event.RequestId)) this.answered.set(event.RequestId, answer);
  }

  #turn<T>(what: string, act: () => T | Promise<T>, isReady?: () => boolean): Promise<T> {
    return this.scheduler.turn(this.#name, what, act, isReady);
  }
}
