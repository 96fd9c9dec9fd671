import type { Command } from 'commander';
import { AwsAccess, type AwsAccessOptions } from '../aws-access';
import type { Clock } from '../../../lambda/contract/clock';
import { CommandFailure, failures } from '../command-failure';
import { DeviceRecords } from '../device-records';
import type { CodeInput } from '../read-code';
import { SeedFinder } from '../seed-location';
import { type LocatedSeed, readStoredSeed } from '../stored-seeds';
import { readTarget } from '../target';

/** What the commands need of the machine. */
export interface Machine extends CodeInput {
  readonly clock: Clock;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
  readonly version: string;
}

/** The options that every command has. */
export interface CommonOptions extends AwsAccessOptions {
  readonly json?: true;
}

/** A command's help: its name, one sentence about what it does, and examples to copy. */
export interface CommandHelp {
  readonly name: string;
  readonly description: string;
  readonly examples: readonly string[];
}

/** Adds a command that calls AWS. */
export function awsCommand(program: Command, { name, description, examples }: CommandHelp): Command {
  return program
    .command(name)
    .description(description)
    .option('--profile <name>', 'use this profile of ~/.aws/config (default: the default credential chain)')
    .option('--region <region>', "the stack's region (default: the configured region)")
    .option('--json', 'print JSON; also print errors as JSON')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  ${example}`.trimEnd()).join('\n')}`);
}

export const DEVICE_ARGUMENT =
  'the name of an IAM user, the serial number of a device, or the ARN of the secret with its seed';

/** Adds a command that works on one device. */
export function deviceCommand(program: Command, help: CommandHelp): Command {
  return awsCommand(program, help).argument('<user|serial|secret>', DEVICE_ARGUMENT);
}

/** What a command that needs codes of one device is told: the device whose seed it reads, or a function that gives out codes. */
export type CodeTarget = { readonly device: string } | { readonly codeFunction: string };

/** Adds a command that needs codes of one device. */
export function codeCommand(program: Command, help: CommandHelp): Command {
  return awsCommand(program, help)
    .argument('[user|serial|secret]', `${DEVICE_ARGUMENT}; not with --code-function`)
    .option('--code-function <arn>', "ask the device's code function for codes, and read no seed");
}

export function readCodeTarget(device: string | undefined, codeFunction: string | undefined): CodeTarget {
  if (device !== undefined && codeFunction === undefined) return { device };
  if (device === undefined && codeFunction !== undefined) return { codeFunction };
  throw new CommandFailure(
    'usage',
    device === undefined ? 'No device is given.' : 'Both a device and --code-function are given.',
    "Give one of them: a user, serial number or secret; or --code-function with the ARN of a device's codeFunction.",
  );
}

/** Runs the work with AWS's clients, then closes them. */
export async function withAws<T>(
  { clock }: Machine,
  options: AwsAccessOptions,
  work: (aws: AwsAccess) => Promise<T>,
): Promise<T> {
  const aws = new AwsAccess(options, clock);
  try {
    return await work(aws);
  } finally {
    aws.close();
  }
}

/** Returns the stored seed of a device, unless the device is known not to be enabled. */
export async function enabledSeed(text: string, aws: AwsAccess): Promise<LocatedSeed> {
  const records = new DeviceRecords(aws);
  const target = readTarget(text);
  const location = await new SeedFinder(records, aws).find(target);
  const seed = await readStoredSeed(location, aws);
  const isEnabled =
    location.isEnabled ??
    // A caller who names the secret may have permission for nothing else.
    (target.kind === 'secret' || (await records.enabledFor(seed.userName)).has(seed.serialNumber));
  if (!isEnabled) throw failures.notAssigned(seed.serialNumber, seed.userName);
  return seed;
}
