import type { Command } from 'commander';
import { failures } from '../command-failure';
import { harmless } from '../harmless';
import { DeviceRecords } from '../device-records';
import { SeedFinder } from '../seed-location';
import { resync } from '../resync';
import { readStoredSeed } from '../stored-seeds';
import { readTarget } from '../target';
import { print } from '../terminal';
import { type Check, verify } from '../verification';
import { type CommonOptions, deviceCommand, type Machine, withAws } from './command';

export function addVerifyCommand(program: Command, machine: Machine): void {
  const { terminal } = machine;
  deviceCommand(program, {
    name: 'verify',
    description: 'Checks that the device is enabled for its user, and that the stored seed belongs to it.',
    examples: ['npx --no virtual-mfa verify Bob', 'npx --no virtual-mfa verify Bob --resync'],
  })
    .option('--resync', 'prove with ResyncMFADevice that IAM has the stored seed')
    .action(async (text: string, options: CommonOptions & { readonly resync?: true }) => {
      await withAws(machine, options, async (aws) => {
        const records = new DeviceRecords(aws);
        const seed = await readStoredSeed(await new SeedFinder(records, aws).find(readTarget(text)), aws);
        const proof = () => resync(seed, { ...machine, aws });
        const checks = await verify(seed, records, aws, options.resync && proof);
        const { userName, serialNumber } = seed;
        const inWords = () => checks.map(asLine).join('\n');
        print(terminal, options.json ? JSON.stringify({ userName, serialNumber, checks }) : inWords());
        const failed = checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
        if (failed.length > 0) throw failures.verificationFailed(serialNumber, failed);
      });
    });
}

const MARKS: Readonly<Record<Check['outcome'], string>> = { proven: '✓', failed: '✗', 'not proven': '-' };

function asLine({ name, outcome, detail }: Check): string {
  return `${MARKS[outcome]} ${name.padEnd(12)} ${outcome === 'not proven' ? 'not proven: ' : ''}${harmless(detail)}`;
}
