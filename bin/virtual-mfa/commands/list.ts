import type { Command } from 'commander';
import { DeviceRecords } from '../device-records';
import { deviceTable } from '../device-table';
import { asJson } from '../harmless';
import { Inventory } from '../inventory';
import { print, tell } from '../terminal';
import { awsCommand, type CommonOptions, type Machine, withAws } from './command';

interface ListOptions extends CommonOptions {
  readonly stack?: string;
  readonly wide?: true;
}

export function addListCommand(program: Command, machine: Machine): void {
  const { terminal } = machine;
  awsCommand(program, {
    name: 'list',
    description:
      'Lists the devices that the library manages in the region, including those that somebody deleted by hand.',
    examples: ['npx --no virtual-mfa list', 'npx --no virtual-mfa list --stack VirtualMfaStack --json'],
  })
    .option('--stack <name or id>', 'list only the devices of this stack')
    .option('--wide', 'show serial numbers and the ARNs of the secrets, in lines of any width')
    .action(async ({ stack, wide, json, ...options }: ListOptions) => {
      await withAws(machine, options, async (aws) => {
        const region = await aws.region();
        const inventory = new Inventory(new DeviceRecords(aws));
        const devices = await (stack === undefined ? inventory.ofRegion(region) : inventory.ofStack(region, stack));
        if (json) print(terminal, asJson(devices));
        else if (devices.length > 0) print(terminal, deviceTable(devices, wide ?? false));
        else tell(terminal, `No devices in ${region}.`);
      });
    });
}
