import { Command, CommanderError } from 'commander';
import { skeleton } from '../mfa-users/skeleton';
import { CommandFailure, EXIT_CODES } from './command-failure';
import { addCodeCommand } from './commands/code';
import type { Machine } from './commands/command';
import { addListCommand } from './commands/list';
import { addQrCommand } from './commands/qr';
import { addResyncCommand } from './commands/resync';
import { addSessionCommand } from './commands/session';
import { addVerifyCommand } from './commands/verify';
import { print, tell } from './terminal';

/** Runs the command line and answers its exit code. */
export async function run(args: readonly string[], machine: Machine): Promise<number> {
  const { terminal, signal } = machine;
  try {
    await programFor(machine).parseAsync(args, { from: 'user' });
    return signal.aborted ? EXIT_CODES.interrupted.code : 0;
  } catch (error) {
    if (signal.aborted) return EXIT_CODES.interrupted.code;
    // Help and usage errors are printed already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_CODES.usage.code;
    if (!(error instanceof CommandFailure)) throw error;
    const { kind, message, exitCode } = error;
    const isJson = args.includes('--json');
    tell(terminal, isJson ? JSON.stringify({ error: { kind, message, exitCode } }) : `virtual-mfa: ${message}`);
    return exitCode;
  }
}

/** The commands, and what they tell of themselves. */
export function programFor(machine: Machine): Command {
  const { terminal, version } = machine;
  const program = new Command('virtual-mfa')
    .description(
      'Works with the virtual MFA devices that cdk-iam-virtual-mfa declares: hands out their seeds, makes their codes, signs in with them, verifies them.',
    )
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.output.write(text),
      writeErr: (text) => terminal.messages.write(text),
    })
    .addHelpText('after', `\n${exitCodeHelp()}`);
  addListCommand(program, machine);
  addQrCommand(program, machine);
  addCodeCommand(program, machine);
  addSessionCommand(program, machine);
  addVerifyCommand(program, machine);
  addResyncCommand(program, machine);
  program
    .command('skeleton')
    .description('A sample of mfa-users.json, the document that virtual-mfa-app deploys.')
    .addHelpText('after', '\nExamples:\n  virtual-mfa skeleton > mfa-users.json')
    .action(() => print(terminal, skeleton().trimEnd()));
  return program;
}

function exitCodeHelp(): string {
  const lines = Object.values(EXIT_CODES).map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`);
  return ['Exit codes:', '    0  done', ...lines].join('\n');
}
