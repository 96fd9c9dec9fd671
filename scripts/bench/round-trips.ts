import type { LocalAws, LoggedCall } from 'local-aws';
import { type AnsweredEvent, BUNDLE, type FunctionEvent, newProperties, runFunction } from './function-runs';
import { withLocalAws } from './loopback';
import { median, milliseconds, type Section } from './report';

const LATENCIES = [0, 20, 50, 100];
const LONGEST = 100;
/** The first one warms up, and does not count. */
const ROUNDS = 12;
const USER_NAME = 'Bob';
/** What each round does, in order. CloudFormation cleans up after a replacement. */
const EVENTS = ['Create', 'Update by replacement', 'clean-up', 'Delete'];

/** From CloudFormation's event to the function's answer, beside the least that its calls take. */
export async function measureRoundTrips(): Promise<Section> {
  return withLocalAws(async (localAws) => {
    const { account } = localAws;
    await account.invoke('iam', 'CreateUser', { UserName: USER_NAME });
    const measured: { readonly rounds: readonly AnsweredEvent[][]; readonly oneCall: number }[] = [];
    for (const latency of LATENCIES) {
      const events = await eventsOfRounds(localAws);
      account.faults.latencyMilliseconds = latency;
      const { runs } = await runFunction(localAws, BUNDLE, events, [USER_NAME]);
      account.faults.latencyMilliseconds = 0;
      const warm = runs.slice(EVENTS.length);
      const rounds = EVENTS.map((_, place) => warm.filter((_run, index) => index % EVENTS.length === place));
      measured.push({ rounds, oneCall: median(warm.map(({ bareCall = NaN }) => bareCall)) });
    }
    const columns = LATENCIES.map((latency) => `${latency} ms added: ms (of the limit)`);
    return {
      title: 'Round trips',
      head: ['event', 'AWS calls', 'round trips', ...columns],
      rows: EVENTS.map((name, place) => {
        const atLongest = measured.at(-1)?.rounds[place] ?? [];
        const calls = atLongest.map(({ sent, answered }) =>
          account.calls.since(sent).filter(({ time }) => time <= answered),
        );
        // Not of any one round: if the time step changes under way, the function tries again, with more calls.
        const roundTrips = median(calls.map(roundTripsOf));
        const times = measured.map(({ rounds, oneCall }) => {
          const took = median((rounds[place] ?? []).map((event) => event.milliseconds));
          return `${milliseconds(took)} (${(took / (roundTrips * oneCall)).toFixed(2)})`;
        });
        return [name, median(calls.map(({ length }) => length)), roundTrips, ...times];
      }),
      notes: [
        `Medians of ${ROUNDS - 1}, all warm, from CloudFormation’s event to the function’s answer, with so much added to each AWS call.`,
        'The limit: round trips × the time of one warm ListMFADevices by the bare SDK, in the same process, at the same latency. Calls that are sent at once are one round trip.',
      ],
    };
  });
}

/** In each round a device is made, replaced, and deleted. */
async function eventsOfRounds(localAws: LocalAws): Promise<readonly FunctionEvent[]> {
  const events: FunctionEvent[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const properties = await newProperties(localAws, USER_NAME);
    const first = { ...properties, RotationId: `${round}, first` };
    const second = { ...properties, RotationId: `${round}, second` };
    const [created, updated] = [events.length, events.length + 1];
    events.push(
      { RequestType: 'Create', ResourceProperties: first },
      { RequestType: 'Update', ResourceProperties: second, OldResourceProperties: first, idOf: created },
      { RequestType: 'Delete', ResourceProperties: first, idOf: created },
      { RequestType: 'Delete', ResourceProperties: second, idOf: updated },
    );
  }
  return events;
}

/** How many calls had to wait for the one before. What arrives within half of the longest latency was sent at once. */
function roundTripsOf(calls: readonly LoggedCall[]): number {
  const times = calls.map(({ time }) => time).sort((one, other) => one - other);
  return times.filter((time, index) => time - (times[index - 1] ?? -Infinity) > LONGEST / 2).length;
}
