import type { Action } from '../device/step';

/** What a look at a device came to. */
export type Look =
  | { readonly is: 'as declared' }
  /** Somebody has asked that it be left alone. */
  | { readonly is: 'held off' }
  /** A deployment is at work on it, or was a moment ago. */
  | { readonly is: 'busy' }
  /** AWS had no time for it. */
  | { readonly is: 'not checked'; readonly because: string }
  | NotAsDeclared;

export interface NotAsDeclared {
  readonly is: 'not as declared';
  /** In the words that a person reads in the log. */
  readonly found: string;
  /** What would come next to put it right, where something would. */
  readonly next?: Action['do'];
}

/** What it means that a run would have to take a step. A run takes no other first, where it may only read. */
const FOUND: Partial<Record<Action['do'], string>> = {
  create: 'The device was deleted.',
  delete: 'The device is not enabled, and its seed is not in the secret.',
  enable: 'The device is not enabled for its user.',
  'read existing seed': 'The seed of the device is not in the secret.',
  promote: "The secret's current value is not the device's seed.",
  prove: 'The tags of the device are gone, or name another version of the secret.',
  'store anew': "The secret's current value is not the device's seed.",
  tag: 'The tags of the device are not those that the function has set.',
  'wait for seed': 'The seed of the device is not in the secret.',
  'wait for user': 'The user of the device was deleted.',
};

/** What a step has put right. What it leaves out is part of something else. */
const DID: Partial<Record<Action['do'], string>> = {
  delete: 'deleted the device, whose seed was lost',
  create: 'made the device anew, with a new seed: its owner needs it',
  enable: 'enabled the device, with its own seed',
  promote: 'made its seed current again',
  tag: 'set its tags',
};

export function foundBefore(step: Action['do']): NotAsDeclared {
  return { is: 'not as declared', found: FOUND[step] ?? `The device needs this step: ${step}.`, next: step };
}

/** What the steps of a run have done, in words; empty for nothing. */
export function inWords(steps: ReadonlySet<Action['do']>): string {
  const told = steps.has('create')
    ? (['delete', 'create'] as const)
    : (['delete', 'enable', 'promote', 'tag'] as const);
  return told.flatMap((step) => (steps.has(step) ? (DID[step] ?? []) : [])).join('; ');
}
