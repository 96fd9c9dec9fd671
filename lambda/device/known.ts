import type { Failure } from '../failure';
import type { RequestTime } from '../request-time';
import type { SeedVersion } from '../aws/seed-store';

/** What a run knows of the account. Undefined: not known, or not any more. */
export interface Known {
  readonly device?: SeenDevice | 'absent';
  /** The seed of the device. */
  readonly seed?: 'none' | SeedInHand | SeedStored | SeedRead;
  /** The secret's current version, if the handler has stored it. */
  readonly current?: 'none' | SeedVersion;
  /** Whether a later request has been here, or the secret is gone or going. */
  readonly isSuperseded?: boolean;
  readonly isRetired?: boolean;
  /** The devices that are enabled for the user. */
  readonly enabledForUser?: readonly string[] | 'no such user';
  /** IAM would not delete the device, because it is enabled for somebody. */
  readonly isAssigned?: boolean;
  /** For whom the device is enabled. */
  readonly holder?: { readonly userName: string | undefined };
  /** The latest answer to EnableMFADevice or ResyncMFADevice, if it was a refusal. */
  readonly refusal?: Refusal;
  /** The version of a seed that somebody has given: it is not the device's until IAM has taken its codes. */
  readonly given?: string;
  /** The version whose codes IAM has taken for the device. */
  readonly proven?: string;
  /** Long enough enabled that the user can sign in with the device. */
  readonly canSignIn?: boolean;
  /** The role may not deactivate the device for this user. */
  readonly denied?: { readonly userName: string; readonly failure: Failure };
  /** A version may or may not have become current. */
  readonly doubt?: { readonly versionId: string; readonly failure: Failure };
  /** The error of the latest step, if there is no rule for it. */
  readonly failure?: Failure;
  /** The seed version of the device that this run has made, or adopted. */
  readonly made?: string;
  /** Whether the device that this run has adopted was enabled before: others may take away the tag that tells. */
  readonly wasEnabled?: boolean;
  /** The seed version of the device that this run has enabled. */
  readonly enabled?: string;
  /** An earlier try may have created the device, and its answer, the only one with the seed, was lost. */
  readonly isAnswerLost?: boolean;
  readonly tries: Tries;
}

/** How often something was tried: what makes every run end, without a look at the clock. */
export interface Tries {
  readonly created: number;
  readonly enabled: number;
  /** Enablings that IAM refused for their codes, or because the device was enabled already. */
  readonly refused: number;
  readonly proofs: number;
  readonly deactivated: number;
  /** How often the device was gone when its tags were to be set. */
  readonly vanished: number;
  readonly waitedForSeed: number;
  readonly waitedForUser: number;
}

/** A device as its tags were seen. */
export interface SeenDevice {
  readonly tags: ReadonlyMap<string, string>;
  /** The version of its seed, as its tag names it. */
  readonly versionId: string | undefined;
  /** The request that the device was made for, where the handler can have written it. */
  readonly madeAt: RequestTime | undefined;
}

/** A seed that is stored nowhere yet. */
export interface SeedInHand {
  readonly is: 'in hand';
  readonly versionId: string;
  readonly text: string;
}

/** A seed that is stored, and is to be read back. */
export interface SeedStored {
  readonly is: 'stored';
  readonly versionId: string;
}

export interface SeedRead extends SeedVersion {
  readonly is: 'read';
  /** The version that it was stored anew from: the device's tag names that, until it is told of this one. */
  readonly anewFrom?: string;
}

/** Why IAM did not take the codes of a version. */
export interface Refusal {
  readonly versionId: string;
  readonly why: 'codes' | 'enabled already' | 'not there' | 'no room';
  /** The answer in IAM's words, without secrets. */
  readonly answer: string;
}

export const NOTHING_KNOWN: Known = {
  tries: {
    created: 0,
    enabled: 0,
    refused: 0,
    proofs: 0,
    deactivated: 0,
    vanished: 0,
    waitedForSeed: 0,
    waitedForUser: 0,
  },
};

/** All that a device which comes or goes makes unknown. */
export const NOTHING_KNOWN_OF_DEVICE = {
  device: undefined,
  seed: undefined,
  isSuperseded: undefined,
  enabledForUser: undefined,
  isAssigned: undefined,
  holder: undefined,
  refusal: undefined,
  proven: undefined,
  canSignIn: undefined,
  denied: undefined,
} as const satisfies Partial<Known>;
