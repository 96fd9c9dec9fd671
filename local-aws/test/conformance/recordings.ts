import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What AWS answered to a call that it refused. */
export interface RecordedRefusal {
  readonly code: string;
  readonly status: number;
  /** Left out where the recording has none; `*` stands for what differs each time. */
  readonly message?: string;
}

/**
 * One call. Its texts may hold `${name}` for something that was kept, `${code NAME STEP}` for the code of a kept seed, and
 * `${wrong NAME}` for a code that it does not have. A time step is counted from now (`-1`), or from the epoch (`@59638561`).
 */
export interface RecordedStep {
  /** The recording's own name for it. A step without one sets the scene, and counts as no case. */
  readonly case?: string;
  /** When AWS answered; the account's clock moves on to it. */
  readonly at?: string;
  /** Credentials that were kept; by default those of an administrator. */
  readonly as?: string;
  /** As in a policy: `iam:EnableMFADevice`. `function:Run` runs the next invocation of the rotation function. */
  readonly call: string;
  /** Policy documents may be given as objects. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** Keeps parts of the answer for later steps: `{ "seed": "VirtualMFADevice.Base32StringSeed" }`. */
  readonly keep?: Readonly<Record<string, string>>;
  /** One of the file's refusals by its name, or a refusal of its own. Left out, the call succeeds. */
  readonly refused?: string | RecordedRefusal;
  /** The whole answer, with `*` for a value that differs each time; not compared if left out. */
  readonly output?: unknown;
}

/** Calls that follow one another in an account of their own. */
export interface RecordedScenario {
  readonly name: string;
  /** Where it was recorded, if not where the rest of the file was. */
  readonly source?: string;
  /** Members that every call of an action has. */
  readonly inputs?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Plays the steps once for each of these, with its values for `${name}`. */
  readonly each?: readonly Readonly<Record<string, string>>[];
  readonly steps: readonly RecordedStep[];
}

/** A file of cases that were recorded on AWS. */
export interface Recordings {
  /** The public recording that these facts come from. */
  readonly source: string;
  readonly refusals?: Readonly<Record<string, RecordedRefusal>>;
  readonly scenarios: readonly RecordedScenario[];
}

/** Every data file in this folder, by its name. */
export function readRecordings(): readonly (Recordings & { readonly file: string })[] {
  const files = readdirSync(__dirname).filter((name) => name.endsWith('.json'));
  return files.map((file) => ({
    file,
    ...(JSON.parse(readFileSync(join(__dirname, file), 'utf8')) as Recordings),
  }));
}
