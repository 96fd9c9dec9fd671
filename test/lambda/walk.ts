import type { Clock } from '../../lambda/contract/clock';
import type { decide } from '../../lambda/device/decide';
import { type Known, NOTHING_KNOWN } from '../../lambda/device/known';
import { Performer } from '../../lambda/device/perform';
import { undoing } from '../../lambda/device/reconcile';
import type { Action, End } from '../../lambda/device/step';
import type { Absent, Released, Wanted } from '../../lambda/device/wanted';
import { type Failure, failures, SecretGoneFailure } from '../../lambda/failure';
import { type Account, answersTo, keyOf, ModelPorts, MOVES, serialNumber } from './account-model';

/** Where a walk begins. */
export interface World {
  readonly name: string;
  readonly wanted: Wanted;
  readonly known: Partial<Known>;
  readonly account: Account;
  /** How the run ends if nobody does anything, and AWS answers as it should. */
  readonly calm: string;
  /** How often others do something; once without it. */
  readonly moves?: number;
}

/** How far a walk goes. */
export interface Bounds {
  /** How often others do something, in one run. */
  readonly moves?: number;
  /** AWS only answers as it should. */
  readonly isCalm?: boolean;
}

/** What a walk came to. */
export interface Walked {
  readonly states: number;
  /** How runs ended, undoing aside. */
  readonly ends: ReadonlySet<string>;
}

/** A failed run that is being undone. */
interface Undone {
  readonly wanted: Absent | Released;
  readonly failure: Failure;
  readonly made: string | undefined;
  readonly enabled: string | undefined;
  readonly mayDeleteFound: boolean;
  readonly isInDoubt: boolean;
}

/** A run, and the account around it, between two steps. */
interface State {
  readonly known: Known;
  readonly account: Account;
  readonly undone: Undone | undefined;
  /** How many steps the run has made. */
  readonly steps: number;
  /** How often others may still do something. */
  readonly movesLeft: number;
  /** How it came here. */
  readonly from: State | undefined;
  readonly by: string;
}

/** Far more than any run needs. */
const MANY_STEPS = 300;
/** A moment after every time in the model. */
const CLOCK: Clock = { now: () => Date.UTC(2026, 0, 15, 13), sleep: async () => undefined };

/**
 * Walks through all states that a run can reach while others do to the account what they like, as often as they like, and AWS answers
 * whatever it may.
 *
 * @throws Error telling the way to the first state in which a rule is broken
 */
export async function walk(
  world: World,
  decideStep: typeof decide,
  { moves = world.moves ?? 1, isCalm = false }: Bounds = {},
): Promise<Walked> {
  const seen = new Set<string>();
  const idOf = naming();
  /** What is known before and after a step: a circle in it would be a run without an end. */
  const next = new Map<string, Set<string>>();
  const ends = new Set<string>();
  const open: State[] = [];
  const reach = (reached: State) => {
    const state = { ...reached, account: withoutWaste(reached.account, textOf(reached.known)) };
    const key = `${idOf(state.known, state.undone)} ${state.movesLeft} ${textOfAccount(state.account)}`;
    if (seen.has(key)) return;
    seen.add(key);
    open.push(state);
  };
  reach({
    known: { ...NOTHING_KNOWN, ...world.known },
    account: world.account,
    undone: undefined,
    movesLeft: moves,
    steps: 0,
    from: undefined,
    by: '',
  });

  for (let state = open.pop(); state; state = open.pop()) {
    const current = state;
    const { known, account, undone } = current;
    const free = unusedIn(`${textOf(known)} ${undone?.made} ${undone?.enabled} ${textOfAccount(account)}`);
    for (const [name, move] of current.movesLeft > 0 ? Object.entries(MOVES) : []) {
      const moved = move(account, free);
      const movesLeft = current.movesLeft - 1;
      if (moved) reach({ ...current, movesLeft, account: moved, from: current, by: `somebody: ${name}` });
    }

    if (current.steps > MANY_STEPS) throw new Error(wayTo(current, world, 'goes on and on'));
    const wanted = undone?.wanted ?? world.wanted;
    const step = decideStep(wanted, known);
    if (isEnd(step)) {
      const failure = brokenBy(step, current, world);
      if (failure) throw new Error(wayTo(current, world, `${step.do}: ${failure}`));
      if (!undone) ends.add(nameOf(step));
      const begun = beginsToUndo(step, current, world);
      if (begun)
        reach({
          ...current,
          known: NOTHING_KNOWN,
          account: { ...account, seen: '' },
          undone: begun,
          from: current,
          by: 'undoes',
        });
      continue;
    }
    for (const answer of isCalm ? (['true'] as const) : answersTo(step)) {
      const isExisting = world.wanted.request.existing !== undefined;
      const situation = { step, answer, free, want: wanted.want, isExisting, ...(undone ? { undoing: undone } : {}) };
      const ports = new ModelPorts(account, situation);
      const learned = await new Performer(wanted, ports, CLOCK, Infinity).perform(step, known);
      const by = `${step.do} ${answer === 'true' ? '' : `(AWS ${answer})`}`;
      if (step.do === 'promote' && isTooEarly(wanted, known)) {
        throw new Error(wayTo(current, world, `${by}: makes a seed current before STS takes its codes`));
      }
      if (ports.violations.length > 0) throw new Error(wayTo(current, world, `${by}: ${ports.violations.join(', ')}`));
      const from = idOf(known, undone);
      next.set(from, (next.get(from) ?? new Set()).add(idOf(learned, undone)));
      reach({
        ...current,
        known: learned,
        steps: current.steps + 1,
        account: ports.account,
        undone,
        from: current,
        by,
      });
    }
  }
  if (hasCircle(next)) throw new Error(`${world.name}: a run can go in a circle`);
  return { states: seen.size, ends };
}

function beginsToUndo(step: End, { known, undone }: State, { wanted }: World): Undone | undefined {
  if (step.do !== 'fail' || undone) return undefined;
  const absent = undoing(wanted, step.undo, known);
  if (!absent) return undefined;
  const mayDeleteFound = !(wanted.want === 'present' && wanted.isInPlace) || step.failure instanceof SecretGoneFailure;
  return {
    wanted: absent,
    failure: step.failure,
    made: known.made,
    enabled: known.enabled,
    mayDeleteFound,
    isInDoubt: known.doubt !== undefined,
  };
}

function isTooEarly(wanted: Wanted, { canSignIn = false }: Known): boolean {
  return wanted.want === 'present' && wanted.waitsForSignIn === true && !canSignIn;
}

/** What is wrong with an end, as far as the run could know. */
function brokenBy(step: End, state: State, { wanted, account: before }: World): string | undefined {
  const { account, undone, known } = state;
  const { unseen, holder, marks, seed, tagged, versions, current } = account;
  if (unseen.device) return undefined;
  if (step.do === 'fail' && known.holder?.userName === 'bob' && isForAnotherUser(step)) return 'bob is no other user';
  if (before.holder === '' && staysEnabled(step, state)) return 'what the run has enabled stays enabled';
  if (undone || step.do === 'fail') return remainsOf(step, state);
  switch (wanted.want) {
    case 'present':
      if (step.do !== 'done') return 'a device that is wanted can only be there, or fail';
      if (marks === 'none' && account.sawEnabled && (unseen.current || current.startsWith(wanted.requestTime))) {
        return versions[current]?.seed === seed || unseen.current ? undefined : 'the device has another seed';
      }
      if (marks !== 'ours') return `the device is ${marks}`;
      if (holder !== 'bob' && !unseen.enabled) return 'the device is not enabled for its user';
      if (versions[current]?.seed !== seed && !unseen.current && !account.isLate)
        return 'the current seed is not the device’s';
      if (wanted.seedVersionId !== undefined && current !== wanted.seedVersionId && !unseen.current)
        return 'another version is current than the wanted one';
      if (tagged !== current && !unseen.current && !unseen.stored && !account.isLate)
        return 'the tag names a version that is not the current one';
      return versions[tagged]?.seed === seed || unseen.stored ? undefined : 'the tag names another seed';
    case 'proven':
      if (step.do !== 'done') return 'a proof can only be there, or fail';
      if (marks !== 'ours') return `the device is ${marks}`;
      if (holder !== 'bob' && !unseen.enabled) return 'the device is not enabled for its user';
      return versions[current]?.seed === seed || unseen.current ? undefined : 'the current seed is not the device’s';
    case 'retired':
      if (known.failure || account.isRetired || unseen.current) return undefined;
      return versions[current]?.of === 'replacement' ? undefined : 'the secret is not retired';
    case 'absent':
      if (step.do === 'done') return marks === 'no device' ? undefined : 'the device is there still';
      if (marks !== 'ours' || account.seen === 'later') return undefined;
      return known.denied && (holder === 'eve' || unseen.enabled) ? undefined : `leaves an own device: ${step.because}`;
    case 'released':
      return marks === 'ours' && account.seen !== 'later' ? 'the device keeps its marks' : undefined;
  }
}

function isForAnotherUser({ failure }: Extract<End, { do: 'fail' }>): boolean {
  return failure.whatHappened === failures.enabledForAnotherUser(serialNumber, 'bob').whatHappened;
}

/** Of a device that others have given back meanwhile. */
function staysEnabled(step: End, { account, undone, known }: State): boolean {
  const isGivenBack = account.marks === 'none' && account.holder === 'bob' && !account.unseen.enabled;
  const hasEnabled = undone?.wanted.want === 'released' && undone.enabled !== undefined;
  return step.do === 'done' && hasEnabled && isGivenBack && known.tries.deactivated === 0;
}

/** A failed run leaves nothing of its own behind, or tells that it does. */
function remainsOf(step: End, { account, undone, known }: State): string | undefined {
  const { made, enabled } = undone ?? known;
  const isUsed = account.found !== 'enabled' && (account.holder !== '' || account.unseen.enabled);
  const isOfAnother = isUsed && account.tagged !== enabled;
  const isThere = made !== undefined && account.marks === 'ours' && account.tagged === made && !isOfAnother;
  if (!isThere || (undone && step.do === 'fail')) return undefined;
  if (step.do === 'fail' && (step.undo !== 'nothing' || known.doubt)) return undefined;
  if (step.do === 'leave' && known.denied && (account.holder === 'eve' || account.unseen.enabled)) return undefined;
  return 'a device that the failed run has made is left behind';
}

function isEnd(step: Action | End): step is End {
  return step.do === 'done' || step.do === 'leave' || step.do === 'fail';
}

function nameOf(step: End): string {
  if (step.do === 'fail') return step.failure.whatHappened;
  return step.do === 'leave' ? step.because : 'done';
}

/** Names what a run knows, and what of it is being undone: by the same name whenever it is the same. */
function naming(): (known: Known, undone: Undone | undefined) => string {
  const knownNumber = numbering(textOf);
  const undoneNumber = numbering(({ made, enabled, mayDeleteFound, isInDoubt, failure }: Undone) =>
    [made, enabled, mayDeleteFound, isInDoubt, failure.message].join(' '),
  );
  return (known, undone) => `${knownNumber(known)} ${undone ? undoneNumber(undone) : ''}`;
}

/** Numbers values by their texts. */
function numbering<T extends object>(text: (value: T) => string): (value: T) => number {
  const numbers = new Map<string, number>();
  return remembered((value) => {
    const key = text(value);
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}

/** Finds texts that nobody uses yet, always the same ones: there are finitely many states then. */
function unusedIn(text: string): (prefix: string) => string {
  return (prefix) => {
    for (let number = 0; ; number += 1) {
      const candidate = prefix === 'SEED' ? `SEED${number}E` : `${prefix}-${number}n`;
      if (!text.includes(candidate)) return candidate;
    }
  };
}

/** Forgets versions that nobody can come back to: there are finitely many states then. */
function withoutWaste(account: Account, text: string): Account {
  const { tagged, current, previous, versions } = account;
  const isKept = (id: string) => [tagged, current, previous].includes(id) || text.includes(id);
  const kept = Object.entries(versions).filter(([id]) => isKept(id));
  return { ...account, versions: Object.fromEntries(kept.sort(([one], [other]) => (one < other ? -1 : 1))) };
}

const textOf = remembered((known: Known) =>
  JSON.stringify(known, (_key, part: unknown) => {
    if (part instanceof Map) return [...(part as Map<string, string>)];
    return part instanceof Error ? part.message : part;
  }),
);
const textOfAccount = remembered(keyOf);

/** What is known, and an account, never change: many states share them, and ask for the same of them several times each. */
function remembered<T extends object, R>(compute: (value: T) => R): (value: T) => R {
  const results = new WeakMap<T, R>();
  return (value) => {
    const result = results.get(value) ?? compute(value);
    results.set(value, result);
    return result;
  };
}

function hasCircle(next: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const done = new Set<string>();
  for (const start of next.keys()) {
    const path = new Set<string>();
    const stack: { readonly at: string; readonly rest: string[] }[] = [
      { at: start, rest: [...(next.get(start) ?? [])] },
    ];
    path.add(start);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const following = top?.rest.pop();
      if (!top || following === undefined) {
        stack.pop();
        if (top) {
          path.delete(top.at);
          done.add(top.at);
        }
      } else if (path.has(following)) {
        return true;
      } else if (!done.has(following)) {
        path.add(following);
        stack.push({ at: following, rest: [...(next.get(following) ?? [])] });
      }
    }
  }
  return false;
}

function wayTo(state: State, { name }: World, what: string): string {
  const way: string[] = [what];
  for (let at: State | undefined = state; at; at = at.from) way.unshift(at.by);
  return `${name}\n${way.join('\n  ')}\n${keyOf(state.account)}`;
}
