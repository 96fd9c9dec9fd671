import type { Command } from 'commander';
import { deviceTable } from '../device-table';
import { ManagedDevices } from '../managed-devices';
import { print, tell } from '../terminal';
import { awsCommand, type CommonOptions, type Machine, withAws } from './command';

export function addListCommand(program: Command, machine: Machine): void {
  const { terminal } = machine;
  awsCommand(program, {
    name: 'list',
    description: 'Lists the devices that the library manages in the region.',
    examples: ['npx --no virtual-mfa list', 'npx --no virtual-mfa list --stack VirtualMfaStack --json'],
  })
    .option('--stack <name or id>', 'list only the devices of this stack')
    .action(async ({ stack, json, ...options }: CommonOptions & { readonly stack?: string }) => {
      await withAws(machine, options, async (aws) => {
        const region = await aws.region();
        const devices = await new ManagedDevices(aws).list(region, stack);
        if (json) print(terminal, JSON.stringify(devices));
        else if (devices.length > 0) print(terminal, deviceTable(devices));
        else tell(terminal, `No devices in ${region}${stack === undefined ? '' : `, stack ${stack}`}.`);
      });
    });
}
