import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import cdkJson from '../../cdk.json';
import { measureProcess, type Usage } from './measured-process';
import { median, megabytes, type Section } from './report';

const USERS = [100, 400, 1_000];
const ROUNDS = 3;

interface Synthesized extends Usage {
  readonly stacks: number;
}

/** What the app of users in a file takes, the more users there are. */
export async function measureUsers(): Promise<Section> {
  const sizes = USERS.map((users) => ({ users, runs: [] as Synthesized[] }));
  // All sizes in each round, so that what the machine does beside it falls on all alike.
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { users, runs } of sizes) runs.push(await synthesizeUsers(users));
  }
  const measured = sizes.map(({ users, runs }) => {
    const of = (key: keyof Usage) => median(runs.map((run) => run[key]));
    return { users, stacks: runs[0]?.stacks ?? NaN, cpu: of('cpuMilliseconds'), peak: of('peakBytes') };
  });
  return {
    title: 'Users over several stacks: the app behind cdk.json',
    head: ['users', 'stacks', 'processor (ms)', 'peak (MB)', 'processor per user more (ms)', 'MB per user more'],
    rows: measured.map(({ users, stacks, cpu, peak }, index) => {
      const before = measured[index - 1];
      const perUser = (more: number) => (before ? (more / (users - before.users)).toFixed(2) : '-');
      return [
        ...[users, stacks, cpu.toFixed(0), megabytes(peak)],
        ...[perUser(cpu - (before?.cpu ?? NaN)), perUser((peak - (before?.peak ?? NaN)) / 1e6)],
      ];
    }),
    notes: [
      `Medians of ${ROUNDS} rounds, without CDK’s validation of templates.`,
      'A user more is against the row above: the same in each row is linear.',
    ],
  };
}

async function synthesizeUsers(users: number): Promise<Synthesized> {
  const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-bench-'));
  try {
    const usersFile = join(folder, 'mfa-users.json');
    const Users = Array.from({ length: users }, (_, index) => ({ UserName: `user-${index + 1}`, CreateUser: true }));
    writeFileSync(usersFile, JSON.stringify({ StackName: 'staff', Users }));
    const outdir = join(folder, 'cdk.out');
    const usage = await measureProcess(['--import', 'tsx', 'bin/app.ts'], {
      environment: {
        CDK_VALIDATION: 'false',
        CDK_OUTDIR: outdir,
        CDK_CONTEXT_JSON: JSON.stringify({ ...cdkJson.context, usersFile }),
      },
    });
    return { ...usage, stacks: readdirSync(outdir).filter((file) => file.endsWith('.template.json')).length };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
