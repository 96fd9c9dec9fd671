import { join } from 'node:path';
import type { LocalAws } from 'local-aws';
import { VIRTUAL_MFA } from '../../bin/virtual-mfa-command';
import { enroll, withLocalAws } from './loopback';
import { measureProcess } from './measured-process';
import { mediansInTurns, type Section } from './report';

const DEVICES = [100, 1_000];
const LATENCY_MILLISECONDS = 20;
const ROUNDS = 3;
const STACK_NAME = 'Users';

/** What the commands for many devices take: on a stack of so many, each AWS call a network away. */
export async function measureManyDevices(): Promise<Section> {
  const rows: (string | number)[][] = [];
  for (const count of DEVICES) {
    await withLocalAws(async (localAws, folder) => {
      for (let number = 0; number < count; number += 1) await enroll(localAws, STACK_NAME, `user-${number}`);
      localAws.account.faults.latencyMilliseconds = LATENCY_MILLISECONDS;
      const commands = [
        { args: ['list'] },
        { args: ['verify', '--all'] },
        { args: ['qr', '--stack', STACK_NAME, '--out-dir', join(folder, 'pages')] },
      ];
      const measured = await mediansInTurns(ROUNDS, commands, ({ args }) => run(localAws, args));
      for (const { args, milliseconds, calls, iamCalls } of measured) {
        rows.push([args.slice(0, 2).join(' '), count, (milliseconds / 1000).toFixed(1), calls, iamCalls]);
      }
    });
  }
  return {
    title: 'The command, for many devices',
    head: ['command', 'devices', 'time (s)', 'AWS calls', 'of these IAM'],
    rows,
    notes: [`Medians of ${ROUNDS} runs, with ${LATENCY_MILLISECONDS} ms added to each AWS call.`],
  };
}

async function run({ account, environment }: LocalAws, args: readonly string[]) {
  const before = account.calls.length;
  const { milliseconds } = (await measureProcess([VIRTUAL_MFA, ...args], environment)).usage;
  const calls = account.calls.after(before);
  return { milliseconds, calls: calls.length, iamCalls: calls.filter(({ action }) => /^iam:/.test(action)).length };
}
