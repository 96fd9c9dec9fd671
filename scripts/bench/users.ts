import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import cdkJson from '../../cdk.json';
import { withFolder } from './loopback';
import { measureProcess } from './measured-process';
import { mediansInTurns, megabytes, type Section } from './report';

const SIZES = [100, 400, 1_000].map((users) => ({ users }));
const ROUNDS = 3;

/** What the app of users in a file takes, the more users there are. */
export async function measureUsers(): Promise<Section> {
  const measured = await mediansInTurns(ROUNDS, SIZES, synthesizeUsers);
  return {
    title: 'Users over several stacks: the app behind cdk.json',
    head: ['users', 'stacks', 'processor (ms)', 'peak (MB)', 'processor per user more (ms)', 'MB per user more'],
    rows: measured.map(({ users, stacks, cpuMilliseconds, peakBytes }, index) => {
      const before = measured[index - 1];
      const perUser = (more: number) => (before ? (more / (users - before.users)).toFixed(2) : '-');
      return [
        ...[users, stacks, cpuMilliseconds.toFixed(0), megabytes(peakBytes)],
        perUser(cpuMilliseconds - (before?.cpuMilliseconds ?? NaN)),
        perUser((peakBytes - (before?.peakBytes ?? NaN)) / 1e6),
      ];
    }),
    notes: [
      `Medians of ${ROUNDS} rounds, without CDK’s validation of templates.`,
      'A user more is against the row above: the same in each row is linear.',
    ],
  };
}

function synthesizeUsers({ users }: { readonly users: number }) {
  return withFolder(async (folder) => {
    const usersFile = join(folder, 'mfa-users.json');
    const Users = Array.from({ length: users }, (_, index) => ({ UserName: `user-${index + 1}`, CreateUser: true }));
    writeFileSync(usersFile, JSON.stringify({ StackName: 'staff', Users }));
    const outdir = join(folder, 'cdk.out');
    const { usage } = await measureProcess(['--import', 'tsx', 'bin/app.ts'], {
      CDK_VALIDATION: 'false',
      CDK_OUTDIR: outdir,
      CDK_CONTEXT_JSON: JSON.stringify({ ...cdkJson.context, usersFile }),
    });
    return { ...usage, stacks: readdirSync(outdir).filter((file) => file.endsWith('.template.json')).length };
  });
}
