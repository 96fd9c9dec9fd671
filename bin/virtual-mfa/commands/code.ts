import { type Command, Option } from 'commander';
import { currentCode, type CurrentCode } from '../../../lambda/contract/current-code';
import { watchCodes } from '../code-display';
import { codeOfFunction } from '../code-function';
import { asJson } from '../harmless';
import { print } from '../terminal';
import { codeCommand, type CommonOptions, enabledSeed, type Machine, readCodeTarget, withAws } from './command';

interface CodeOptions extends CommonOptions {
  readonly codeFunction?: string;
  readonly watch?: true;
}

export function addCodeCommand(program: Command, machine: Machine): void {
  const { terminal, clock } = machine;
  codeCommand(program, {
    name: 'code',
    description: 'Shows the current authentication code and its remaining seconds.',
    examples: [
      'npx --no virtual-mfa code Bob',
      'npx --no virtual-mfa code Bob --json',
      'npx --no virtual-mfa code Bob --watch',
      'npx --no virtual-mfa code --code-function "$CODE_FUNCTION_ARN"',
    ],
  })
    .addOption(new Option('--watch', 'show each code until you interrupt it').conflicts('codeFunction'))
    .action(async (device: string | undefined, options: CodeOptions) => {
      const { watch, json } = options;
      const show = (code: CurrentCode) =>
        print(terminal, json ? asJson(code) : `${code.code}  ${code.secondsLeft} s left`);
      const target = readCodeTarget(device, options.codeFunction);
      await withAws(machine, options, async (aws) => {
        if ('codeFunction' in target) {
          show(await codeOfFunction(target.codeFunction, aws));
          return;
        }
        const read = async () => {
          const seed = await enabledSeed(target.device, aws);
          aws.requireRightClock();
          return seed;
        };
        if (watch) await watchCodes(read, { ...machine, show, withBar: !json && terminal.output.isTTY === true });
        else show(currentCode(await read(), clock.now()));
      });
    });
}
