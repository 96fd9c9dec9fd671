import type { Command } from 'commander';
import { currentCode, type CurrentCode } from '../../../lambda/contract/current-code';
import { watchCodes } from '../code-display';
import { print } from '../terminal';
import { type CommonOptions, deviceCommand, enabledSeed, type Machine, withAws } from './command';

export function addCodeCommand(program: Command, machine: Machine): void {
  const { terminal, clock } = machine;
  deviceCommand(program, {
    name: 'code',
    description: 'Shows the current authentication code and its remaining seconds.',
    examples: [
      'npx --no virtual-mfa code Bob',
      'npx --no virtual-mfa code Bob --json',
      'npx --no virtual-mfa code Bob --watch',
    ],
  })
    .option('--watch', 'show each code until you interrupt it')
    .action(async (text: string, options: CommonOptions & { readonly watch?: true }) => {
      const { watch, json } = options;
      const show = (code: CurrentCode) =>
        print(terminal, json ? JSON.stringify(code) : `${code.code}  ${code.secondsLeft} s left`);
      await withAws(machine, options, async (aws) => {
        const seed = await enabledSeed(text, aws);
        aws.requireRightClock();
        if (watch) await watchCodes(seed, { ...machine, show, withBar: !json && terminal.output.isTTY === true });
        else show(currentCode(seed, clock.now()));
      });
    });
}
