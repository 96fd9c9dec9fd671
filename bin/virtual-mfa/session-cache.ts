import { createHash } from 'node:crypto';
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

  /** @param question everything that the session depends on */
  constructor(
    private readonly home: string,
    question: readonly (string | number)[],
  ) {
    this.#directory = join(home, '.aws/virtual-mfa/cache');
    const name = createHash('sha256').update(JSON.stringify(question)).digest('hex');
    this.#file = join(this.#directory, `${name}.json`);
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
    writePrivateFile(this.#file, JSON.stringify(session));
  }

  #kept(): SessionCredentials | undefined {
    let descriptor;
    try {
      requireUnchangedByOthers(this.#directory, this.home);
      // Windows has neither links that anybody can make nor this flag.
      descriptor = openSync(this.#file, constants.O_RDONLY | constants.O_NOFOLLOW);
      requireOwnerOnly(this.#file, fstatSync(descriptor));
      const kept = JSON.parse(readFileSync(descriptor, 'utf8')) as Partial<SessionCredentials> | null;
      return kept?.Version === 1 && kept.SessionToken !== undefined ? (kept as SessionCredentials) : undefined;
    } catch {
      // Not there, or not usable: a new one takes its place.
      return undefined;
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }
}
