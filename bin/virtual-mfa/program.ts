import { Command, CommanderError } from 'commander';
import { skeleton } from '../mfa-users/skeleton';
import { CommandFailure, EXIT_CODES, failures } from './command-failure';
import { addCodeCommand } from './commands/code';
import type { Machine } from './commands/command';
import { addListCommand } from './commands/list';
import { addQrCommand } from './commands/qr';
import { addResyncCommand } from './commands/resync';
import { addSessionCommand } from './commands/session';
import { addVerifyCommand } from './commands/verify';
import { asJson } from './harmless';
import { print, tell } from './terminal';

/** Runs the command line and answers its exit code. */
export async function run(args: readonly string[], machine: Machine): Promise<number> {
  const { terminal, signal } = machine;
  const isJson = args.includes('--json');
  try {
    const program = programFor(machine, isJson);
    await Promise.race([program.parseAsync(args, { from: 'user' }), interruption(signal)]);
    return signal.aborted ? EXIT_CODES.interrupted.code : 0;
  } catch (error) {
    if (signal.aborted) return EXIT_CODES.interrupted.code;
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const { kind, message, exitCode } = asFailure(error);
    if (isJson) tell(terminal, asJson({ error: { kind, message, exitCode } }));
    // A usage error is printed already, with the command's own help.
    else if (!(error instanceof CommanderError)) tell(terminal, `virtual-mfa: ${message}`);
    return exitCode;
  }
}

/** Does not wait for a call that is under way: nothing depends on its answer. */
async function interruption(signal: AbortSignal): Promise<void> {
  await new Promise((aborted) => signal.addEventListener('abort', aborted, { once: true }));
  // What waits for the clock ends by itself, and puts the terminal in order.
  await new Promise((then) => setImmediate(then));
}

/** Without the stack, for a person: what is no failure of a command, nobody expected. */
function asFailure(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error;
  if (error instanceof CommanderError) return new CommandFailure('usage', withoutValues(error.message), 'See --help.');
  const message = error instanceof Error ? `${error.name}: ${error.message}` : 'an unknown error';
  return failures.unexpected('The command', message);
}

/** What commander says of an option, without the value that was given with it: a seed or a code may be in the wrong place. */
function withoutValues(message: string): string {
  return message
    .replace(/^(error: unknown option '[^=]*)=.*$/s, "$1'")
    .replace(/^(error: option '[^']*') argument '.*' is invalid/s, '$1: its argument is invalid');
}

/** The commands, and what they tell of themselves. */
export function programFor(machine: Machine, isJson = false): Command {
  const { terminal, version } = machine;
  const program = new Command('virtual-mfa')
    .description(
      'Works with the virtual MFA devices that cdk-iam-virtual-mfa manages: shows their seeds and codes, signs in with them, verifies them.',
    )
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.output.write(text),
      writeErr: (text) => terminal.messages.write(text),
      // It quotes what was typed.
      outputError: (text) => (isJson ? undefined : tell(terminal, withoutValues(text.trimEnd()))),
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
    .description('Prints a sample mfa-users.json, the document that virtual-mfa-app deploys.')
    .addHelpText('after', '\nExamples:\n  npx --no virtual-mfa skeleton > mfa-users.json')
    .action(() => print(terminal, skeleton().trimEnd()));
  return program;
}

function exitCodeHelp(): string {
  const lines = Object.values(EXIT_CODES).map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`);
  return ['Exit codes:', '    0  done', ...lines].join('\n');
}
