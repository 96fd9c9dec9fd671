import type { Command } from 'commander';
import { asJson } from '../harmless';
import { resync } from '../resync';
import { print } from '../terminal';
import { type CommonOptions, deviceCommand, enabledSeed, type Machine, withAws } from './command';

export function addResyncCommand(program: Command, machine: Machine): void {
  const { terminal } = machine;
  deviceCommand(program, {
    name: 'resync',
    description: 'Resynchronizes the device with two codes of its stored seed (ResyncMFADevice).',
    examples: ['npx --no virtual-mfa resync Bob'],
  }).action(async (text: string, options: CommonOptions) => {
    await withAws(machine, options, async (aws) => {
      const seed = await enabledSeed(text, aws);
      await resync(seed, { ...machine, aws });
      const { userName, serialNumber } = seed;
      const done = { userName, serialNumber, synchronized: true };
      print(terminal, options.json ? asJson(done) : `${serialNumber} is synchronized.`);
    });
  });
}
