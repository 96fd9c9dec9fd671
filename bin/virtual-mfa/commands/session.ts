import { type Command, InvalidArgumentError } from 'commander';
import type { AwsAccess } from '../aws-access';
import { codeAt } from '../../../lambda/contract/authentication-codes';
import { codeOfFunction } from '../code-function';
import { failures } from '../command-failure';
import { asCredentialProcess, DURATION_SECONDS, sessionCacheOf } from '../kept-session';
import { DeviceRecords } from '../device-records';
import { SeedFinder } from '../seed-location';
import { type DeviceCode, getSession, type SessionCredentials } from '../session';
import { readStoredSeed } from '../stored-seeds';
import { readTarget } from '../target';
import { print, requirePrivateOutput, tell } from '../terminal';
import { codeCommand, type CodeTarget, type CommonOptions, type Machine, readCodeTarget, withAws } from './command';

interface SessionOptions extends CommonOptions {
  readonly codeFunction?: string;
  readonly seedProfile?: string;
  readonly durationSeconds: number;
  readonly cache: boolean;
}

/** Tells child processes which sessions are under way, to stop a session that would start itself again. */
const UNDER_WAY = 'VIRTUAL_MFA_SESSIONS_UNDER_WAY';

export function addSessionCommand(program: Command, machine: Machine): void {
  const { least, most, default: usual } = DURATION_SECONDS;
  codeCommand(program, {
    name: 'session',
    description: 'Gets credentials of a session with MFA, in the format that credential_process expects.',
    examples: [
      'npx --no virtual-mfa session Bob --profile bob-key',
      'npx --no virtual-mfa session Bob --profile bob-key --seed-profile administrator --no-cache',
      'npx --no virtual-mfa session --code-function "$CODE_FUNCTION_ARN" --profile bob-key --seed-profile runner',
      '',
      'For every tool that takes a profile, add to ~/.aws/config:',
      '[profile bob]',
      'credential_process = /path/to/node_modules/.bin/virtual-mfa session Bob --profile bob-key --seed-profile seeds',
    ],
  })
    .option('--seed-profile <name>', 'read the seed, or ask the code function, with this profile (default: --profile)')
    .option('--duration-seconds <seconds>', `how long the session lasts: ${least} to ${most}`, durationSeconds, usual)
    .option('--no-cache', 'do not cache the session in ~/.aws/virtual-mfa/cache')
    .action(async (device: string | undefined, options: SessionOptions) => {
      const target = readCodeTarget(device, options.codeFunction);
      requirePrivateOutput(machine.terminal);
      guardAgainstRecursion([
        textOf(target),
        options.profile ?? process.env['AWS_PROFILE'] ?? 'default',
        options.seedProfile ?? '',
      ]);
      const session = await withAws(machine, options, (aws) => sessionFor(target, options, aws, machine));
      print(machine.terminal, asCredentialProcess(session));
    });
}

/** Returns a session from the cache, or a new one. */
async function sessionFor(
  target: CodeTarget,
  { profile, region, seedProfile, durationSeconds: duration, cache: isCached }: SessionOptions,
  aws: AwsAccess,
  machine: Machine,
): Promise<SessionCredentials> {
  const { clock, signal, terminal } = machine;
  const cache = isCached ? sessionCacheOf(textOf(target), profile, duration) : undefined;
  const kept = () => cache?.read(clock.now(), duration);
  return (
    kept() ??
    (await withAws(machine, { profile: seedProfile ?? profile, region }, async (seedAccess) => {
      const ask = () =>
        'device' in target
          ? codeOfStoredSeed(target.device, seedAccess, aws)
          : codeOfFunction(target.codeFunction, seedAccess);
      const tools = { aws, records: new DeviceRecords(seedAccess), signal, terminal, gotMeanwhile: kept };
      const session = await getSession(ask, duration, tools);
      try {
        cache?.write(session);
      } catch (error) {
        // The session is good even if it cannot be cached, and its code is used up.
        tell(terminal, `The session is not cached: ${error instanceof Error ? error.message : 'unknown reason'}`);
      }
      return session;
    }))
  );
}

/** How the command line names what codes are asked of. */
function textOf(target: CodeTarget): string {
  return 'device' in target ? target.device : target.codeFunction;
}

async function codeOfStoredSeed(device: string, seedAccess: AwsAccess, { time }: AwsAccess): Promise<DeviceCode> {
  const location = await new SeedFinder(new DeviceRecords(seedAccess), seedAccess).find(readTarget(device));
  const { serialNumber, userName, seed } = await readStoredSeed(location, seedAccess);
  seedAccess.requireRightClock();
  return { serialNumber, userName, code: codeAt(seed, time.now()) };
}

/** The SDK passes this process's environment to credential_process: a profile that needs itself would recurse for ever. */
function guardAgainstRecursion(question: readonly [target: string, profile: string, seedProfile: string]): void {
  const own = JSON.stringify(question);
  const underWay = (process.env[UNDER_WAY] ?? '').split('\n');
  if (underWay.includes(own)) throw failures.recursion(question[1]);
  process.env[UNDER_WAY] = [...underWay, own].join('\n');
}

function durationSeconds(value: string): number {
  const { least, most } = DURATION_SECONDS;
  const seconds = Number(value);
  if (Number.isInteger(seconds) && seconds >= least && seconds <= most) return seconds;
  throw new InvalidArgumentError(`Allowed: ${least} to ${most} seconds (15 minutes to 36 hours).`);
}
