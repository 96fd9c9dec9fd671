import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionCredentials } from './session';
import { requireOwnerOnly, requireUnchangedByOthers, writePrivateFile } from './private-file';

/** A session is used until this long before its end: SDKs ask for another when 15 minutes, or less, are left. */
const LEFT_AT_LEAST_MILLISECONDS = 15 * 60_000;
/** Of a short session, this part of its life. */
const LEFT_AT_LEAST_OF_LIFE = 1 / 3;

/** Keeps sessions in files that their owner alone can read, one for each way to ask for a session. */
export class SessionCache {
  readonly #directory: string;
  readonly #file: string;
  readonly #question: string;

  /** @param question everything that the session depends on */
  constructor(
    private readonly home: string,
    question: readonly (string | number)[],
  ) {
    this.#directory = join(home, '.aws/virtual-mfa/cache');
    this.#question = JSON.stringify(question);
    this.#file = join(this.#directory, `${nameFor(this.#question)}.json`);
  }

  /** The session that was kept, if it lasts long enough. One that others could have read, or written, is not taken. */
  read(now: number, durationSeconds: number): SessionCredentials | undefined {
    const kept = this.#kept();
    const left = Date.parse(kept?.Expiration ?? '') - now;
    const needed = Math.min(LEFT_AT_LEAST_MILLISECONDS, durationSeconds * 1000 * LEFT_AT_LEAST_OF_LIFE);
    return left > needed ? kept : undefined;
  }

  /** @throws CommandFailure where others could exchange the session */
  write(session: SessionCredentials): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    requireUnchangedByOthers(this.#directory, this.home);
    // One that others could have read is no longer used, and must not stand in the way.
    if (!this.#kept()) rmSync(this.#file, { force: true });
    const kept: KeptSession = { question: this.#question, session };
    writePrivateFile(this.#file, JSON.stringify(kept));
  }

  #kept(): SessionCredentials | undefined {
    let descriptor;
    try {
      requireUnchangedByOthers(this.#directory, this.home);
      // Windows has neither links that anybody can make nor this flag.
      descriptor = openSync(this.#file, constants.O_RDONLY | constants.O_NOFOLLOW);
      requireOwnerOnly(this.#file, fstatSync(descriptor));
      const { question, session } = JSON.parse(readFileSync(descriptor, 'utf8')) as Partial<KeptSession>;
      return question === this.#question && session?.Version === 1 ? session : undefined;
    } catch {
      // Not there, or not usable: a new one takes its place.
      return undefined;
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }
}

interface KeptSession {
  readonly question: string;
  readonly session: SessionCredentials;
}

/**
 * FNV-1a, for a file's name. No more is needed, since the file says itself which question it answers; to load node:crypto takes a fifth
 * of the time of an empty Node process.
 */
function nameFor(question: string): string {
  const hash = Buffer.from(question).reduce(
    (hashed, byte) => BigInt.asUintN(64, (hashed ^ BigInt(byte)) * 0x100000001b3n),
    0xcbf29ce484222325n,
  );
  return hash.toString(16).padStart(16, '0');
}
