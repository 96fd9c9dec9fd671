import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, type Section } from './report';
import { synthesize, type Synthesis } from './scale-synthesis';

const USERS = [100, 250, 500, 1_000];
const ROUNDS = 3;

interface Measured extends Synthesis {
  readonly users: number;
  readonly stacks: number;
}

/** What the app of users in a file takes, the more users there are. */
export async function measureUsersInStacks(): Promise<Section[]> {
  const rounds: Measured[][] = [];
  // All sizes in each round, so that what the machine does beside it falls on all alike.
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measureSizes(USERS, { validation: false }));
  const measured = USERS.map((_users, index) => medianOf(rounds.flatMap((sizes) => sizes[index] ?? [])));
  const validated = await measureSizes([USERS[0] ?? 0, USERS.at(-1) ?? 0], { validation: true });
  return [section('Users over several stacks: the app behind cdk.json', measured), withValidation(measured, validated)];
}

function section(title: string, measured: readonly Measured[]): Section {
  const costs = measured.map((size, index) => perUserMore(measured[index - 1], size));
  const [smallest, middle, largest] = [measured[0], measured.at(-2), measured.at(-1)];
  const lower = middle && perUserMore(smallest, middle);
  const upper = largest && perUserMore(middle, largest);
  return {
    title,
    head: ['users', 'stacks', 'synth (ms)', 'CPU (ms)', 'peak (MB)', 'CPU ms per user more', 'MB per user more'],
    rows: measured.map(({ users, stacks, milliseconds, cpuMilliseconds, peakBytes }, index) => [
      users,
      stacks,
      milliseconds.toFixed(0),
      cpuMilliseconds.toFixed(0),
      (peakBytes / 1e6).toFixed(0),
      costs[index]?.cpuMilliseconds.toFixed(2) ?? '-',
      costs[index] === undefined ? '-' : (costs[index].peakBytes / 1e6).toFixed(3),
    ]),
    notes: [
      `Medians of ${ROUNDS} rounds, without CDK’s validation of templates. A user more is against the row above.`,
      `From ${middle?.users} to ${largest?.users} users each takes ${ratio(upper?.cpuMilliseconds, lower?.cpuMilliseconds)} of the CPU, and ${ratio(upper?.peakBytes, lower?.peakBytes)} of the memory, that each takes from ${smallest?.users} to ${middle?.users}: 1 would be linear, and more would be worse.`,
    ],
  };
}

/** What most of the time goes to. */
function withValidation(without: readonly Measured[], validated: readonly Measured[]): Section {
  const before = validated.flatMap(({ users }) => without.find((other) => other.users === users) ?? []);
  return {
    title: 'The same with CDK’s validation of templates, which is its default',
    head: ['users', 'synth (ms)', 'CPU (ms)', 'peak (MB)', 'CPU of validation (ms)'],
    rows: validated.map(({ users, milliseconds, cpuMilliseconds, peakBytes }, index) => [
      users,
      milliseconds.toFixed(0),
      cpuMilliseconds.toFixed(0),
      (peakBytes / 1e6).toFixed(0),
      (cpuMilliseconds - (before[index]?.cpuMilliseconds ?? NaN)).toFixed(0),
    ]),
    notes: ['One run each. CDK_VALIDATION=false in the environment turns it off.'],
  };
}

async function measureSizes(
  sizes: readonly number[],
  { validation }: { readonly validation: boolean },
): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const users of sizes) measured.push(await measure(users, validation));
  return measured;
}

async function measure(users: number, validation: boolean): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-bench-'));
  try {
    const usersFile = join(folder, 'mfa-users.json');
    const Users = Array.from({ length: users }, (_, index) => ({ UserName: `user-${index + 1}`, CreateUser: true }));
    writeFileSync(usersFile, JSON.stringify({ StackName: 'staff', Users }));
    const outdir = join(folder, 'cdk.out');
    const synthesis = await synthesize('bin/app.ts', { outdir, context: { usersFile }, validation });
    const stacks = readdirSync(outdir).filter((file) => file.endsWith('.template.json')).length;
    return { ...synthesis, users, stacks };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function medianOf(runs: readonly Measured[]): Measured {
  const [run] = runs;
  if (!run) throw new Error('Nothing was measured');
  const of = (key: keyof Synthesis) => median(runs.map((one) => one[key]));
  const [milliseconds, cpuMilliseconds, peakBytes] = [of('milliseconds'), of('cpuMilliseconds'), of('peakBytes')];
  return { ...run, milliseconds, cpuMilliseconds, peakBytes };
}

/** What each user takes beyond the smaller size. */
function perUserMore(smaller: Measured | undefined, larger: Measured): Omit<Synthesis, 'milliseconds'> | undefined {
  if (!smaller) return undefined;
  const more = (key: keyof Synthesis) => (larger[key] - smaller[key]) / (larger.users - smaller.users);
  return { cpuMilliseconds: more('cpuMilliseconds'), peakBytes: more('peakBytes') };
}

function ratio(numerator = NaN, denominator = NaN): string {
  return (numerator / denominator).toFixed(2);
}
