import type { LocalAws, LoggedCall } from '../../local-aws';
import type { AnsweredEvent, DeployedHandler } from './deployed-handler';
import { median } from './report';
import type { Scripts } from './script-ways';

const ROUNDS = 15;

export type EventName = 'Create' | 'Update by replacement' | 'Delete';

/** Medians of one kind of event, in milliseconds. */
export interface MeasuredEvent {
  readonly toAnswer: number;
  readonly toEnabled: number | undefined;
  /** What local-aws itself worked for its calls, the added latency left out. */
  readonly inLocalAws: number;
  readonly calls: readonly LoggedCall[];
}

/** What happened at one latency. */
export interface MeasuredLatency {
  readonly latency: number;
  /** Median of one bare SDK call. */
  readonly oneCall: number;
  readonly events: Readonly<Record<EventName, MeasuredEvent>>;
}

/** Sends events to the warm function, and bare calls between them, so that what else the machine does falls on both. */
export async function measureEvents(
  { account }: LocalAws,
  handler: DeployedHandler,
  scripts: Scripts,
  latency: number,
): Promise<MeasuredLatency> {
  const oneCalls: number[] = [];
  const events: Record<EventName, AnsweredEvent[]> = { Create: [], 'Update by replacement': [], Delete: [] };
  await oneRound(handler, 'warm-up');
  await scripts.oneCall();
  account.faults.latencyMilliseconds = latency;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { created, updated, deleted } = await oneRound(handler, `${latency} ms, ${round}`);
      events.Create.push(created);
      events['Update by replacement'].push(updated);
      events.Delete.push(deleted);
      for (let call = 0; call < 3; call += 1) oneCalls.push(await scripts.oneCall());
    }
  } finally {
    account.faults.latencyMilliseconds = 0;
  }
  return {
    latency,
    oneCall: median(oneCalls),
    events: {
      Create: measured(events.Create),
      'Update by replacement': measured(events['Update by replacement']),
      Delete: measured(events.Delete),
    },
  };
}

/** A device is made, replaced, and deleted. */
async function oneRound(
  handler: DeployedHandler,
  name: string,
): Promise<Record<'created' | 'updated' | 'deleted', AnsweredEvent>> {
  const properties = { ...handler.created.ResourceProperties, SeedSecretArn: await handler.newSeedSecret() };
  const first = { ...properties, RotationId: `${name}, first` };
  const second = { ...properties, RotationId: `${name}, second` };
  const created = await handler.send({ RequestType: 'Create', ResourceProperties: first });
  const updated = await handler.send({
    RequestType: 'Update',
    ResourceProperties: second,
    OldResourceProperties: first,
    PhysicalResourceId: created.physicalResourceId,
  });
  // CloudFormation's clean-up after a replacement.
  await handler.send({
    RequestType: 'Delete',
    ResourceProperties: first,
    PhysicalResourceId: created.physicalResourceId,
  });
  const deleted = await handler.send({
    RequestType: 'Delete',
    ResourceProperties: second,
    PhysicalResourceId: updated.physicalResourceId,
  });
  return { created, updated, deleted };
}

function measured(events: readonly AnsweredEvent[]): MeasuredEvent {
  const enabled = events.flatMap(({ toEnabled }) => (toEnabled === undefined ? [] : [toEnabled]));
  const usual = [...events].sort((one, other) => one.toAnswer - other.toAnswer)[Math.floor(events.length / 2)];
  return {
    toAnswer: median(events.map(({ toAnswer }) => toAnswer)),
    toEnabled: enabled.length > 0 ? median(enabled) : undefined,
    inLocalAws: median(events.map(({ calls }) => calls.reduce((sum, { time, answered }) => sum + answered - time, 0))),
    calls: usual?.calls ?? [],
  };
}
