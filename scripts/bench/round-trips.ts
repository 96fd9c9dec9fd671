import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalAws, type LoggedCall, nodeBinary, startLocalAws } from 'local-aws';
import { type AnsweredEvent, DeployedFunction, newSeedSecret } from './deployed-function';
import { ROOT } from './measured-process';
import { median, milliseconds, type Section } from './report';

const LATENCIES = [0, 20, 50, 100];
const ROUNDS = 11;
const USER_NAME = 'Bob';

type Events = Readonly<Record<'Create' | 'Update by replacement' | 'Delete', AnsweredEvent>>;

/** What happened at one latency. */
interface Measured {
  readonly latency: number;
  /** Median of one bare SDK call. */
  readonly oneCall: number;
  readonly rounds: readonly Events[];
}

/** From CloudFormation's event to the function's answer, beside the least that its calls take. */
export async function measureRoundTrips(): Promise<Section> {
  const localAws = await startLocalAws();
  const outdir = mkdtempSync(join(tmpdir(), 'virtual-mfa-bench-'));
  try {
    const deployed = await DeployedFunction.deploy(localAws, USER_NAME, outdir);
    const caller = bareCaller(localAws);
    try {
      const measured: Measured[] = [];
      for (const latency of LATENCIES) measured.push(await measure(localAws, deployed, caller, latency));
      return section(measured);
    } finally {
      deployed.close();
      const ended = once(caller, 'exit');
      caller.disconnect();
      await ended;
    }
  } finally {
    await localAws.close();
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** Bare calls take turns with the events, so that what else the machine does falls on both. */
async function measure(
  localAws: LocalAws,
  deployed: DeployedFunction,
  caller: ChildProcess,
  latency: number,
): Promise<Measured> {
  await oneRound(localAws, deployed, 'warm-up');
  await bareCall(caller);
  const oneCalls: number[] = [];
  const rounds: Events[] = [];
  localAws.account.faults.latencyMilliseconds = latency;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      rounds.push(await oneRound(localAws, deployed, `${latency} ms, ${round}`));
      for (let call = 0; call < 3; call += 1) oneCalls.push(await bareCall(caller));
    }
  } finally {
    localAws.account.faults.latencyMilliseconds = 0;
  }
  return { latency, oneCall: median(oneCalls), rounds };
}

/** A device is made, replaced, and deleted. */
async function oneRound(localAws: LocalAws, deployed: DeployedFunction, name: string): Promise<Events> {
  const SeedSecretArn = await newSeedSecret(localAws, deployed.created, USER_NAME);
  const propertiesOf = (RotationId: string) => ({
    ResourceProperties: { ...deployed.created.ResourceProperties, SeedSecretArn, RotationId },
  });
  const first = propertiesOf(`${name}, first`);
  const second = propertiesOf(`${name}, second`);
  const created = await deployed.send({ RequestType: 'Create', ...first });
  const { physicalResourceId: PhysicalResourceId } = created;
  const updated = await deployed.send({
    ...{ RequestType: 'Update', PhysicalResourceId, ...second },
    OldResourceProperties: first.ResourceProperties,
  });
  // CloudFormation's clean-up after a replacement.
  await deployed.send({ RequestType: 'Delete', PhysicalResourceId, ...first });
  const deleted = await deployed.send({
    ...{ RequestType: 'Delete', PhysicalResourceId: updated.physicalResourceId, ...second },
  });
  return { Create: created, 'Update by replacement': updated, Delete: deleted };
}

const BARE_CALLS = `
const { IAMClient, ListMFADevicesCommand } = require('@aws-sdk/client-iam');
const iam = new IAMClient({ maxAttempts: 1 });
process.on('message', async (UserName) => {
  const began = performance.now();
  await iam.send(new ListMFADevicesCommand({ UserName }));
  process.send(performance.now() - began);
});
`;

/** A process of its own, on the function's Node: local-aws must not share its event loop with those it serves. */
function bareCaller({ environment }: LocalAws): ChildProcess {
  return spawn(nodeBinary(), ['-e', BARE_CALLS], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { PATH: process.env['PATH'], ...environment },
  });
}

async function bareCall(caller: ChildProcess): Promise<number> {
  caller.send(USER_NAME);
  const [took] = (await once(caller, 'message')) as [number];
  return took;
}

function section(measured: readonly Measured[]): Section {
  const longest = measured.at(-1);
  const names = Object.keys(longest?.rounds[0] ?? {}) as (keyof Events)[];
  return {
    title: 'Round trips',
    head: [
      'event',
      'AWS calls',
      'round trips',
      ...LATENCIES.map((latency) => `${latency} ms added: ms (of the limit)`),
    ],
    rows: names.map((name) => {
      const usual = usualOf(longest?.rounds.map((round) => round[name]) ?? []);
      const roundTrips = roundTripsOf(usual?.calls ?? [], longest?.latency ?? NaN);
      const times = measured.map(({ oneCall, rounds }) => {
        const took = median(rounds.map((round) => round[name].millisecondsToAnswer));
        return `${milliseconds(took)} (${(took / (roundTrips * oneCall)).toFixed(2)})`;
      });
      return [name, usual?.calls.length ?? NaN, roundTrips, ...times];
    }),
    notes: [
      `Medians of ${ROUNDS}, all warm, from CloudFormation’s event to the function’s answer, with so much added to each AWS call.`,
      'The limit: round trips × the time of one warm ListMFADevices by the bare SDK, on the same Node, at the same latency. Calls that are sent at once are one round trip.',
    ],
  };
}

/** Not any event: one in which the time step changes under way tries again, with more calls. */
function usualOf(events: readonly AnsweredEvent[]): AnsweredEvent | undefined {
  return [...events].sort((one, other) => one.millisecondsToAnswer - other.millisecondsToAnswer)[
    Math.floor(events.length / 2)
  ];
}

/** How many calls had to wait for the one before. What arrives within half of a long latency was sent at once. */
function roundTripsOf(calls: readonly Pick<LoggedCall, 'time'>[], latency: number): number {
  const times = calls.map(({ time }) => time).sort((one, other) => one - other);
  return times.filter((time, index) => time - (times[index - 1] ?? -Infinity) > latency / 2).length;
}
