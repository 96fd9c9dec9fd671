import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { parseArgs } from 'node:util';
import { asJson } from './harmless';
import { SessionCache } from './session-cache';
import { requirePrivateOutput, type Terminal } from './terminal';

/** The limits of GetSessionToken. */
export const DURATION_SECONDS = { least: 900, most: 129_600, default: 43_200 } as const;

/** The options of the command that do not keep it from using the cache. */
const OPTIONS = {
  profile: { type: 'string' },
  region: { type: 'string' },
  'code-function': { type: 'string' },
  'seed-profile': { type: 'string' },
  'duration-seconds': { type: 'string' },
  json: { type: 'boolean' },
} as const;

/**
 * Answers `session` from the cache, before the SDK and the parser of the command line are loaded: as a credential_process it runs at
 * every call of every tool. Undefined where anything else is to be done, an error's report too.
 */
export function keptSession([name, ...args]: readonly string[], terminal: Terminal, now: number): string | undefined {
  if (name !== 'session') return undefined;
  try {
    requirePrivateOutput(terminal);
    const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
    const [text, ...others] = [...positionals, ...[values['code-function'] ?? []].flat()];
    if (text === undefined || others.length > 0) return undefined;
    const duration = Number(values['duration-seconds'] ?? DURATION_SECONDS.default);
    const session = sessionCacheOf(text, values.profile, duration)?.read(now, duration);
    return session && asCredentialProcess(session);
  } catch {
    return undefined;
  }
}

/** What `credential_process` prints. */
export function asCredentialProcess(session: object): string {
  return asJson(session, 2);
}

/**
 * Where a session is kept. It depends on everything that tells whose access key signs the request, without reading that key: on the
 * variables, and on when the files of profiles changed. Undefined without a home directory: the cache would be below the current one.
 */
export function sessionCacheOf(text: string, profile: string | undefined, duration: number): SessionCache | undefined {
  const home = homedir();
  if (!isAbsolute(home)) return undefined;
  const variable = (name: string) => process.env[name] ?? '';
  return new SessionCache(home, [
    text,
    duration,
    // A profile that is given comes before the variables' key.
    ...(profile === undefined ? [variable('AWS_PROFILE'), variable('AWS_ACCESS_KEY_ID')] : [profile]),
    variable('AWS_ENDPOINT_URL_STS') || variable('AWS_ENDPOINT_URL'),
    stateOf(variable('AWS_CONFIG_FILE') || join(home, '.aws/config')),
    stateOf(variable('AWS_SHARED_CREDENTIALS_FILE') || join(home, '.aws/credentials')),
  ]);
}

/** Changes with every change of a file, also with one that sets back its time. */
function stateOf(file: string): string {
  try {
    const { ino, size, ctimeNs } = statSync(file, { bigint: true });
    return [file, ino, size, ctimeNs].join(' ');
  } catch {
    // Not there, or below something that is no folder.
    return file;
  }
}
