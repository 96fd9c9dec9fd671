import type { VirtualMfaDeviceTag } from '../contract/properties';
import type { Failure } from '../failure';
import type { SeedInHand, SeedRead, SeedStored } from './known';

/** What a run does next: one AWS call, or two at once, or a wait. */
export type Action =
  | { readonly do: 'create' }
  | { readonly do: 'read existing seed' }
  | { readonly do: 'adopt'; readonly versionId: string; readonly wasEnabled: boolean }
  | { readonly do: 'look at device' }
  | { readonly do: 'find seed'; readonly versionId: string }
  | { readonly do: 'look at current seed' }
  | { readonly do: 'store'; readonly seed: SeedInHand }
  | { readonly do: 'read'; readonly seed: SeedStored }
  | { readonly do: 'enable'; readonly seed: SeedRead }
  | { readonly do: 'prove'; readonly seed: SeedRead }
  | { readonly do: 'store anew'; readonly seed: SeedRead; readonly versionId: string | undefined }
  | { readonly do: 'promote'; readonly seed: SeedRead }
  | { readonly do: 'ask whether superseded' }
  | { readonly do: 'list devices of user' }
  | { readonly do: 'find holder' }
  | { readonly do: 'tag'; readonly tags: readonly VirtualMfaDeviceTag[] }
  | { readonly do: 'untag'; readonly keys: readonly string[] }
  | { readonly do: 'deactivate'; readonly userName: string }
  | { readonly do: 'delete' }
  | { readonly do: 'retire' }
  | { readonly do: 'wait for seed' }
  | { readonly do: 'wait for sign-in' }
  | { readonly do: 'wait for user' }
  | { readonly do: 'wait for other codes' };

/** How a run ends. */
export type End =
  | { readonly do: 'done' }
  /** Done as far as it goes: something stays as it is, for a reason. */
  | { readonly do: 'leave'; readonly because: string }
  | { readonly do: 'fail'; readonly failure: Failure; readonly undo: Undo };

/** What a failed run takes back. */
export type Undo = 'nothing' | 'what it adopted' | 'what it made' | 'what it made, or found enabled for nobody';

/** A step holds seeds: log what it does, and nothing else of it. */
export type Step = Action | End;
