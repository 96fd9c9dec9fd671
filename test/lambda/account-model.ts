import { ADOPTED_TAG, LOGICAL_ID_TAG, SEED_VERSION_TAG, STACK_ID_TAG } from '../../lambda/contract/own-tags';
import type { VirtualMfaDeviceTag } from '../../lambda/contract/properties';
import { versionIdInTag } from '../../lambda/contract/seed-version';
import { type StoredSeed, storedSeedOf } from '../../lambda/contract/stored-seed';
import type { Action } from '../../lambda/device/step';
import type { Wanted } from '../../lambda/device/wanted';
import { type EnrollmentRequest, readEnrollmentRequest } from '../../lambda/device/enrollment-request';
import { AccessDeniedFailure, failures } from '../../lambda/failure';
import type { Creation, MfaDevices } from '../../lambda/aws/mfa-devices';
import type { SeedHistory, SeedStore, SeedVersion } from '../../lambda/aws/seed-store';

/** A small model of what a resource can meet in an account, the two ports on top of it, and all that others may do meanwhile. */

export const EARLIER = '20260115T120000Z';
export const OWN = '20260115T120010Z';
const LATER = '20260115T120020Z';

const STACK_ID = 'arn:aws:cloudformation:us-east-1:123456789012:stack/users/8f5c2a10-aaaa-bbbb-cccc-0123456789ab';
const OTHER_SERIAL_NUMBER = 'arn:aws:iam::123456789012:mfa/bob-replacement';
const TEAM: VirtualMfaDeviceTag = { Key: 'team', Value: 'blue' };
export const FORMER_TAG = 'former';

const requestWith = (properties: object): EnrollmentRequest =>
  readEnrollmentRequest({
    StackId: STACK_ID,
    LogicalResourceId: 'Mfa',
    ResourceProperties: {
      UserName: 'bob',
      SeedSecretArn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:seed-1a2b3c',
      Tags: [TEAM],
      ...properties,
    },
  });
export const request = requestWith({});
export const { serialNumber } = request;
/** The same, for a device that exists already. */
export const adoption = requestWith({
  Existing: {
    SerialNumber: serialNumber,
    SeedSecretArn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:existing-1a2b3c',
  },
});

/** A stored version: of this device, or of the one that has replaced it. */
export interface Version {
  readonly seed: string;
  readonly of: 'device' | 'replacement';
  /** Stored with another issuer than the request's. */
  readonly isOutdated?: boolean;
}

/** The account, as far as one resource meets it. Flat, so that states compare quickly. */
export interface Account {
  readonly marks: 'no device' | 'ours' | 'none' | 'foreign';
  /** The seed version that the device's tag names. */
  readonly tagged: string;
  readonly seed: string;
  readonly isTagged: boolean;
  readonly holder: '' | 'bob' | 'eve';
  /** How the device was found, as its tag says, if it was adopted. */
  readonly found: '' | 'unassigned' | 'enabled';
  /** The seed that somebody gives for a device to adopt. */
  readonly given: string;
  readonly isUser: boolean;
  readonly versions: Readonly<Record<string, Version>>;
  readonly current: string;
  readonly previous: string;
  /** A later request has been here. */
  readonly isLate: boolean;
  readonly isSecretGone: boolean;
  readonly isRetired: boolean;
  /** What others have changed since the run looked at it last, so that the run cannot know. */
  readonly unseen: Readonly<Record<'device' | 'enabled' | 'current' | 'stored', boolean>>;
  /** What the run's latest look showed. */
  readonly seen: '' | 'ours' | 'none' | 'foreign' | 'later';
  /** Whether the run knows that no later request has been here, and that the device is enabled. */
  readonly asked: '' | 'not superseded' | 'superseded';
  readonly sawEnabled: boolean;
}

const ALL_SEEN = { device: false, enabled: false, current: false, stored: false };

export const EMPTY: Account = {
  marks: 'no device',
  tagged: '',
  seed: '',
  isTagged: false,
  holder: '',
  found: '',
  given: '',
  isUser: true,
  versions: {},
  current: '',
  previous: '',
  isLate: false,
  isSecretGone: false,
  isRetired: false,
  unseen: ALL_SEEN,
  seen: '',
  asked: '',
  sawEnabled: false,
};

const NO_MARKS = { marks: 'none', tagged: '', isTagged: false, found: '' } as const;
const NO_DEVICE = { ...NO_MARKS, marks: 'no device', seed: '', holder: '' } as const;
const OLD = `${EARLIER}-old`;

export const DENIED = new AccessDeniedFailure('Denied.', 'Allow it.');

/** A device that an earlier event has enabled. */
export const ENABLED: Account = {
  ...EMPTY,
  marks: 'ours',
  tagged: OLD,
  seed: 'SEEDOLD',
  isTagged: true,
  holder: 'bob',
  versions: { [OLD]: { seed: 'SEEDOLD', of: 'device' } },
  current: OLD,
};

/** The same, once it has replaced one of the same name whose seed is dead. */
export const MADE_ANEW: Account = {
  ...ENABLED,
  versions: { ...ENABLED.versions, [`${EARLIER}-dead`]: { seed: 'SEEDDEAD', of: 'device' } },
  previous: `${EARLIER}-dead`,
};

/** A device that somebody else has made, and whose seed is given. */
export const EXISTING: Account = { ...EMPTY, marks: 'none', seed: 'SEEDEXISTING', given: 'SEEDEXISTING' };

/** A device that another has replaced: where a rollback returns to, and what a clean-up deletes. */
export const REPLACED: Account = {
  ...ENABLED,
  versions: { ...ENABLED.versions, [`${EARLIER}-new`]: { seed: 'SEEDNEW', of: 'replacement' } },
  current: `${EARLIER}-new`,
  previous: OLD,
};

export function keyOf(account: Account): string {
  return JSON.stringify(account);
}

function isOfReplaced({ versions, current, previous }: Account, id: string): boolean {
  return id === previous && versions[current]?.of === 'replacement';
}

/** What somebody else may do between two calls of the run; undefined where it changes nothing. */
export type Move = (account: Account, free: (prefix: string) => string) => Account | undefined;

const unseen = (account: Account, ...what: (keyof Account['unseen'])[]) => ({
  unseen: { ...account.unseen, ...Object.fromEntries(what.map((part) => [part, true])) },
});

export const MOVES: Readonly<Record<string, Move>> = {
  'deletes the device': (it) =>
    it.marks === 'no device' ? undefined : { ...it, ...NO_DEVICE, ...unseen(it, 'device', 'enabled', 'stored') },
  'deactivates the device': (it) => (it.holder ? { ...it, holder: '', ...unseen(it, 'enabled') } : undefined),
  'takes the tags away': (it) => (it.marks === 'ours' ? { ...it, ...NO_MARKS, ...unseen(it, 'device') } : undefined),
  'marks the device as another’s': (it) =>
    it.marks === 'ours' ? { ...it, marks: 'foreign', ...unseen(it, 'device') } : undefined,
  'moves the tag to a dead seed': (it) => {
    // Not a forged one: who may tag devices and write the secret, too, can make the handler believe anything. Nor the previous one of
    // a device that was replaced: the handler knows it by this label.
    const isTrusted = (id: string) => id === it.current || id.endsWith('forged') || isOfReplaced(it, id);
    const isDead = (id: string) => it.versions[id]?.seed !== it.seed && !isTrusted(id);
    const dead = Object.keys(it.versions).find(isDead);
    return it.marks === 'ours' && dead && dead !== it.tagged
      ? { ...it, tagged: dead, ...unseen(it, 'device', 'stored') }
      : undefined;
  },
  'overwrites the current seed': (it) => {
    const forged = `${EARLIER}-forged`;
    if (it.current === forged || it.isSecretGone) return undefined;
    const versions = { ...it.versions, [forged]: { seed: 'SEEDFORGED', of: 'device' } as const };
    return { ...it, versions, current: forged, previous: it.current, ...unseen(it, 'current') };
  },
  'a duplicate adopts': (it, free) =>
    it.given && it.marks === 'none' && (it.holder === '' || (it.holder === 'bob' && it.given === it.seed))
      ? {
          ...it,
          marks: 'ours',
          isTagged: true,
          tagged: free(OWN),
          found: it.holder ? 'enabled' : 'unassigned',
          ...unseen(it, 'device', 'stored'),
        }
      : undefined,
  'a duplicate adopts and enables the device': (it, free) =>
    it.marks === 'none' && it.holder === '' && it.given === it.seed && it.isUser
      ? {
          ...it,
          marks: 'ours',
          isTagged: true,
          tagged: free(OWN),
          found: 'unassigned',
          holder: 'bob',
          ...unseen(it, 'device', 'enabled', 'stored'),
        }
      : undefined,
  'a duplicate gives the device back': (it) =>
    it.found && it.marks === 'ours' && it.tagged.startsWith(OWN)
      ? {
          ...it,
          ...NO_MARKS,
          holder: it.found === 'unassigned' ? '' : it.holder,
          ...unseen(it, 'device', 'enabled'),
        }
      : undefined,
  'a duplicate creates': (it, free) =>
    it.marks === 'no device' && !it.given
      ? {
          ...it,
          marks: 'ours',
          isTagged: true,
          tagged: free(OWN),
          seed: free('SEED'),
          ...unseen(it, 'device', 'enabled', 'stored'),
        }
      : undefined,
  'a duplicate stores': (it) => {
    if (it.marks !== 'ours' || !it.tagged.startsWith(OWN) || it.versions[it.tagged] || it.isSecretGone)
      return undefined;
    const versions = { ...it.versions, [it.tagged]: { seed: it.given || it.seed, of: 'device' } as const };
    return { ...it, versions, current: it.current || it.tagged, ...unseen(it, 'stored') };
  },
  'a duplicate enables': (it) =>
    it.marks === 'ours' && !it.holder && it.isUser && it.versions[it.tagged]?.seed === it.seed
      ? { ...it, holder: 'bob' }
      : undefined,
  'a duplicate promotes': (it) => {
    const isRight = it.versions[it.tagged]?.seed === it.seed && it.holder === 'bob' && it.marks === 'ours';
    if (!isRight || it.current === it.tagged || it.isLate || it.isSecretGone) return undefined;
    return { ...it, current: it.tagged, previous: it.current, ...unseen(it, 'current') };
  },
  'a later event begins': (it) => (it.isLate ? undefined : { ...it, isLate: true }),
  'a later event makes the device anew': (it) => {
    const id = `${LATER}-later`;
    if (it.tagged === id || it.isSecretGone) return undefined;
    const versions = { ...it.versions, [id]: { seed: 'SEEDLATER', of: 'device' } as const };
    const device = { marks: 'ours', isTagged: true, tagged: id, seed: 'SEEDLATER', holder: 'bob', found: '' } as const;
    const labels = { current: id, previous: it.current };
    return {
      ...it,
      ...device,
      ...labels,
      versions,
      isLate: true,
      ...unseen(it, 'device', 'enabled', 'current', 'stored'),
    };
  },
  'a later event creates the device': (it) =>
    it.marks === 'no device'
      ? {
          ...it,
          marks: 'ours',
          isTagged: true,
          tagged: `${LATER}-later`,
          seed: 'SEEDLATER',
          ...unseen(it, 'device', 'enabled', 'stored'),
        }
      : undefined,
  'somebody enables the device for eve': (it) =>
    it.marks !== 'no device' && !it.holder ? { ...it, holder: 'eve', ...unseen(it, 'enabled') } : undefined,
  'the user goes': (it) => (it.isUser && it.holder !== 'bob' ? { ...it, isUser: false } : undefined),
  'the user comes': (it) => (it.isUser ? undefined : { ...it, isUser: true }),
  'the secret goes': (it) => (it.isSecretGone ? undefined : { ...it, isSecretGone: true, ...unseen(it, 'current') }),
  'somebody else creates a device of this name': (it) =>
    it.marks === 'no device'
      ? { ...it, marks: 'foreign', seed: 'SEEDFOREIGN', ...unseen(it, 'device', 'enabled') }
      : undefined,
};

/** How AWS may answer a step: truly; or as its documentation says that it may, whatever is true. */
export type Answer =
  | 'true'
  | 'fails'
  | 'takes effect and fails'
  | 'takes effect and is tried again'
  | 'refuses the codes'
  | 'does not see it'
  | 'has no room'
  | 'denies'
  | 'lags'
  | 'says that the secret is gone';

export function answersTo(step: Action): readonly Answer[] {
  switch (step.do) {
    case 'create':
      return ['true', 'fails', 'takes effect and fails', 'takes effect and is tried again', 'has no room'];
    case 'enable':
      return [
        'true',
        'fails',
        'takes effect and fails',
        'takes effect and is tried again',
        'refuses the codes',
        'does not see it',
        'has no room',
      ];
    case 'adopt':
    case 'tag':
    case 'untag':
      return ['true', 'fails', 'takes effect and fails', 'does not see it'];
    case 'prove':
      return ['true', 'fails', 'refuses the codes', 'does not see it'];
    case 'deactivate':
      return ['true', 'fails', 'takes effect and fails', 'denies'];
    case 'store':
    case 'store anew':
    case 'promote':
    case 'delete':
    case 'retire':
      return ['true', 'fails', 'takes effect and fails'];
    case 'find seed':
    case 'ask whether superseded':
      return ['true', 'fails', 'says that the secret is gone'];
    case 'look at device':
    case 'read existing seed':
    case 'look at current seed':
    case 'read':
    case 'find holder':
      return ['true', 'fails'];
    case 'list devices of user':
      return ['true', 'fails', 'lags'];
    case 'wait for seed':
    case 'wait for sign-in':
    case 'wait for user':
    case 'wait for other codes':
      return ['true'];
  }
}

/** What the run is about to do, as far as the rules differ. */
export interface Situation {
  readonly step: Action;
  readonly answer: Answer;
  readonly want: Wanted['want'];
  /** Whether the device was there before the resource. */
  readonly isExisting: boolean;
  /** While a failed run is undone. */
  readonly undoing?: {
    readonly made: string | undefined;
    readonly enabled: string | undefined;
    readonly mayDeleteFound: boolean;
    readonly isInDoubt: boolean;
  };
  /** A text with this prefix that neither the account nor the run knows. */
  readonly free: (prefix: string) => string;
}

/** The ports on one account, for one step. They note every write that must not be. */
export class ModelPorts implements MfaDevices, SeedStore {
  readonly violations: string[] = [];

  constructor(
    public account: Account,
    private readonly situation: Situation,
  ) {}

  readonly mfaDevices: MfaDevices = this;
  readonly seedStore: SeedStore = this;

  async create(_path: string, _name: string, tags: readonly VirtualMfaDeviceTag[]): Promise<Creation> {
    if (this.account.asked === 'superseded') this.#violates('creates a device that nobody wants any more');
    if (this.situation.isExisting) this.#violates('creates a device where one is to be adopted');
    if (this.situation.answer === 'has no room') throw named('LimitExceededException');
    return this.#write((account) => {
      if (account.marks !== 'no device') return { outcome: 'exists', triedBefore: false };
      const seed = this.situation.free('SEED');
      const tagged = versionIdInTag(valueIn(tags, SEED_VERSION_TAG));
      const device = { marks: 'ours', isTagged: true, tagged, seed, holder: '', found: '' } as const;
      const isKnown = this.situation.answer === 'true';
      this.#change({
        ...device,
        asked: '',
        unseen: { ...account.unseen, device: false, enabled: false, stored: false },
      });
      this.#change({ seen: isKnown ? 'ours' : '', sawEnabled: false });
      return isKnown ? { outcome: 'created', seed } : { outcome: 'exists', triedBefore: true };
    });
  }

  async enable(): Promise<void> {
    this.#mustBeOurs();
    if (this.account.asked !== 'not superseded') this.#violates('enables before it has asked whether it is superseded');
    this.#refuseIfSo();
    const { account } = this;
    if (!account.isUser || account.marks === 'no device') throw named('NoSuchEntityException');
    if (account.holder) throw named('EntityAlreadyExistsException');
    if (this.#seedOfStep() !== account.seed) throw named('InvalidAuthenticationCodeException');
    this.#write(() => this.#change({ holder: 'bob', sawEnabled: true, unseen: { ...account.unseen, enabled: false } }));
    if (this.situation.answer === 'takes effect and is tried again') throw named('EntityAlreadyExistsException');
  }

  async resync(): Promise<void> {
    const { seen, sawEnabled } = this.account;
    if (seen !== 'ours' && seen !== 'none')
      this.#violates(`tries codes on a device that is ${seen || 'not looked at'}`);
    if (!sawEnabled) this.#violates('tries codes on a device that it has not seen enabled');
    const { step } = this.situation;
    if (step.do === 'prove' && step.seed.stored.serialNumber !== serialNumber)
      this.#violates('tries the codes of another device');
    this.#refuseIfSo();
    if (this.situation.answer === 'fails') throw failures.unexpected('on demand');
    if (this.account.holder !== 'bob') throw named('NoSuchEntityException');
    if (this.#seedOfStep() !== this.account.seed) throw named('InvalidAuthenticationCodeException');
  }

  async deactivate(userName: string): Promise<void> {
    const { account, situation } = this;
    const { want, undoing } = situation;
    if (want !== 'absent' && want !== 'released') this.#violates('deactivates a device that is wanted');
    // Others may have given back what the run has enabled.
    const isGivenBack = want === 'released' && account.seen === 'none' && undoing?.enabled !== undefined;
    if (!isGivenBack) {
      this.#mustBeOurs();
      if (want === 'released' && account.found !== 'unassigned' && !account.unseen.device)
        this.#violates('deactivates a device that was found enabled');
      if (undoing && undoing.enabled !== account.tagged && !account.unseen.device)
        this.#violates('deactivates a device that it has not enabled');
    }
    if (situation.answer === 'denies') throw DENIED;
    const hasBeenCurrent = [account.current, account.previous].includes(account.tagged);
    const isKnown = !account.unseen.current && !account.unseen.device;
    if (undoing?.isInDoubt && hasBeenCurrent && isKnown && !account.isSecretGone) {
      this.#violates('removes a device whose seed has been current');
    }
    this.#write(() => {
      if (this.account.holder === userName) this.#change({ holder: '' });
    });
  }

  async delete(): Promise<'absent now' | 'assigned'> {
    const { account, situation } = this;
    this.#mustBeOurs();
    if (situation.isExisting && situation.want !== 'absent') this.#violates('deletes a device that it has not made');
    const isStored = account.versions[account.tagged]?.of === 'device' && !account.isSecretGone;
    if (situation.want === 'present' && isStored && !account.unseen.stored && !account.unseen.device) {
      this.#violates('deletes a device whose seed is stored');
    }
    const { undoing } = situation;
    if (undoing && !undoing.mayDeleteFound && undoing.made !== account.tagged && !account.unseen.device) {
      this.#violates('deletes a device that CloudFormation knows');
    }
    return this.#write(() => {
      // The role may delete only what carries the stack's tag.
      if (this.account.marks === 'foreign' || this.account.marks === 'none') {
        throw DENIED;
      }
      if (this.account.holder) return 'assigned';
      this.#change({ ...NO_DEVICE, unseen: { ...this.account.unseen, device: false } });
      return 'absent now';
    });
  }

  async tagsOf(): Promise<ReadonlyMap<string, string> | undefined> {
    return this.#read(() => {
      const { account } = this;
      const { marks, tagged } = account;
      const seen = marks === 'no device' ? '' : marks === 'ours' && tagged > `${OWN}~` ? 'later' : marks;
      this.#change({ seen, unseen: { ...account.unseen, device: false } });
      if (marks === 'no device') return undefined;
      if (marks === 'foreign') return new Map([[STACK_ID_TAG, `${STACK_ID}-of-another`]]);
      const own = marks === 'ours' ? request.ownershipTags : [];
      const former = account.isTagged ? [TEAM] : [{ Key: FORMER_TAG, Value: 'x' }];
      const version = tagged ? [{ Key: SEED_VERSION_TAG, Value: tagged }] : [];
      const found = account.found ? [{ Key: ADOPTED_TAG, Value: account.found }] : [];
      return new Map([...own, ...former, ...version, ...found].map(({ Key, Value }) => [Key, Value]));
    });
  }

  async tag(_serialNumber: string, tags: readonly VirtualMfaDeviceTag[]): Promise<void> {
    const { seen } = this.account;
    const isAdopting = this.situation.step.do === 'adopt';
    if (isAdopting) this.#mustBeFree();
    if (seen === 'none' && !isAdopting)
      this.#mustBeSeedOfDevice(this.account.versions[versionIdInTag(valueIn(tags, SEED_VERSION_TAG))]?.seed);
    if (seen === 'none' && !isAdopting && this.account.asked !== 'not superseded')
      this.#violates('adopts a device before it has asked');
    if (seen !== 'ours' && seen !== 'none') this.#violates(`tags a device that is ${seen}`);
    this.#refuseIfSo();
    this.#write(() => {
      if (this.account.marks === 'no device') throw named('NoSuchEntityException');
      if (this.account.marks === 'foreign') throw DENIED;
      if (!valueIn(tags, STACK_ID_TAG) || !valueIn(tags, LOGICAL_ID_TAG))
        this.#violates('tags without the ownership tags');
      const tagged = versionIdInTag(valueIn(tags, SEED_VERSION_TAG)) || this.account.tagged;
      const found = valueIn(tags, ADOPTED_TAG) as Account['found'];
      const { found: foundBefore } = this.account;
      if (foundBefore === 'unassigned' && found === 'enabled') this.#violates('forgets how the device was found');
      this.#change({ marks: 'ours', isTagged: true, tagged, seen: 'ours', found: found || foundBefore });
    });
  }

  async untag(_serialNumber: string, keys: readonly string[]): Promise<void> {
    this.#mustBeOurs();
    this.#refuseIfSo();
    const isGivenBack = keys.includes(STACK_ID_TAG);
    const { want, undoing } = this.situation;
    if (isGivenBack && want !== 'released') this.#violates('takes the marks from a device that is wanted');
    if (isGivenBack && undoing && !undoing.mayDeleteFound)
      this.#violates('takes the marks from a device that CloudFormation knows');
    if (isGivenBack && undoing && !this.account.tagged.startsWith(OWN) && !this.account.unseen.device)
      this.#violates('takes the marks from a device that an earlier request has adopted');
    const isLeftEnabled = this.account.found === 'unassigned' && this.account.sawEnabled;
    if (isGivenBack && isLeftEnabled && !this.account.unseen.enabled)
      this.#violates('gives back a device that it has seen enabled, and has not deactivated');
    this.#write(() => {
      if (this.account.marks !== 'ours') throw DENIED;
      if (isGivenBack) this.#change(NO_MARKS);
    });
  }

  async enabledFor(): Promise<readonly string[] | undefined> {
    return this.#read(() => {
      const sawEnabled = this.account.holder === 'bob';
      this.#change({ sawEnabled, unseen: { ...this.account.unseen, enabled: false } });
      if (!this.account.isUser) return undefined;
      const { answer, want, isExisting, undoing } = this.situation;
      // As it was before the run has deactivated it.
      if (answer === 'lags' && want === 'released' && !undoing) return [serialNumber];
      // As it was before its user, or a duplicate, has enabled it.
      if (answer === 'lags' && want === 'present' && isExisting && this.account.seen === '') {
        this.#change({ sawEnabled: false });
        return [];
      }
      return sawEnabled ? [serialNumber] : [];
    });
  }

  async holderOf(): Promise<string | undefined> {
    return this.#read(() => {
      if (this.account.holder === 'bob') this.#change({ sawEnabled: true });
      return this.account.holder || undefined;
    });
  }

  async readExisting(): Promise<string> {
    return this.#read(() => this.account.given);
  }

  newVersionId(): string {
    return this.situation.free(OWN);
  }

  async put(versionId: string, stored: StoredSeed): Promise<void> {
    if (this.situation.step.do === 'store anew') this.#mustBeSeedOfDevice(stored.seed);
    this.#write(() => {
      if (this.account.isSecretGone) throw failures.seedSecretGone(request.seedSecretArn);
      const versions = { ...this.account.versions, [versionId]: { seed: stored.seed, of: 'device' } as const };
      this.#change({ versions, current: this.account.current || versionId });
    });
  }

  async read(versionId: string): Promise<SeedVersion> {
    return this.#read(() => {
      const version = this.#versionOf(versionId);
      if (!version) throw failures.seedSecretGone(request.seedSecretArn);
      return version;
    });
  }

  async find(versionId: string): Promise<SeedVersion | undefined> {
    if (this.situation.answer === 'says that the secret is gone') throw failures.seedSecretGone(request.seedSecretArn);
    return this.#read(() => {
      this.#change({ unseen: { ...this.account.unseen, stored: false } });
      return this.#versionOf(versionId);
    });
  }

  async current(): Promise<SeedVersion | undefined> {
    return this.#read(() => {
      return this.#versionOf(this.account.current);
    });
  }

  async promote(versionId: string): Promise<void> {
    const { account } = this;
    this.#mustBeSeedOfDevice(account.versions[versionId]?.seed);
    if (account.holder !== 'bob' && !account.unseen.enabled && !account.unseen.device) {
      this.#violates('makes the seed current of a device that is not enabled');
    }
    this.#write(() => {
      if (this.account.isLate || this.account.isSecretGone) throw failures.superseded();
      const previous = this.account.current === versionId ? this.account.previous : this.account.current;
      this.#change({ current: versionId, previous, unseen: { ...this.account.unseen, current: false } });
    });
  }

  async isSuperseded(): Promise<boolean> {
    if (this.situation.answer === 'says that the secret is gone') throw failures.seedSecretGone(request.seedSecretArn);
    return this.#read(() => {
      const isSuperseded = this.account.isLate || this.account.isSecretGone;
      this.#change({ asked: isSuperseded ? 'superseded' : 'not superseded' });
      return isSuperseded;
    });
  }

  async retire(): Promise<void> {
    const isOfReplacement = this.account.versions[this.account.current]?.of === 'replacement';
    if (isOfReplacement && !this.account.unseen.current && !this.account.isSecretGone)
      this.#violates('retires the secret of the replacement');
    this.#write(() => this.#change({ isRetired: true }));
  }

  async history(): Promise<SeedHistory | undefined> {
    const { versions, isSecretGone } = this.account;
    return this.#read(() =>
      isSecretGone
        ? undefined
        : { latestVersionId: Object.keys(versions).sort().at(-1), labels: new Map(), tags: new Map(), changedAt: 0 },
    );
  }

  async clearPending(): Promise<void> {
    this.#write(() => undefined);
  }

  #versionOf(versionId: string): SeedVersion | undefined {
    this.#change({ unseen: { ...this.account.unseen, current: false } });
    const version = this.account.isSecretGone ? undefined : this.account.versions[versionId];
    if (!version) return undefined;
    const right = storedSeedOf(request, version.seed);
    return {
      versionId,
      stored: {
        ...right,
        serialNumber: version.of === 'device' ? serialNumber : OTHER_SERIAL_NUMBER,
        otpauthUri: version.isOutdated ? 'otpauth://totp/outdated' : right.otpauthUri,
      },
      isCurrent: this.account.current === versionId,
      isPrevious: this.account.previous === versionId,
      requestTime: versionId.slice(0, OWN.length),
    };
  }

  #seedOfStep(): string | undefined {
    const { step } = this.situation;
    return step.do === 'enable' || step.do === 'prove' ? step.seed.stored.seed : undefined;
  }

  #refuseIfSo(): void {
    const { answer } = this.situation;
    if (answer === 'refuses the codes') throw named('InvalidAuthenticationCodeException');
    if (answer === 'does not see it') throw named('NoSuchEntityException');
    if (answer === 'has no room') throw named('LimitExceededException');
  }

  #mustBeOurs(): void {
    if (this.account.seen !== 'ours')
      this.#violates(`changes a device that is ${this.account.seen || 'not looked at'}`);
  }

  /** Nobody uses it, or its user does and IAM has taken the codes of the seed. */
  #mustBeFree(): void {
    const { seen, holder, seed, sawEnabled, unseen: unknown } = this.account;
    if (seen === 'ours' && !this.account.tagged.startsWith(OWN)) return;
    if (seen !== 'none') this.#violates('adopts a device that is marked');
    if (unknown.enabled || unknown.device) return;
    if (sawEnabled && this.account.given !== seed) this.#violates('adopts a device without a proof');
    if (!sawEnabled && holder === 'eve') this.#violates('adopts a device of another user');
  }

  #mustBeSeedOfDevice(seed: string | undefined): void {
    const { account } = this;
    // A secret that is going takes nothing.
    if (account.isSecretGone) return;
    if (seed !== account.seed && !account.unseen.device && !account.unseen.stored) {
      this.#violates('makes a seed current that is not the device’s');
    }
  }

  #violates(rule: string): void {
    this.violations.push(`${rule} (${this.situation.step.do})`);
  }

  #change(changes: Partial<Account>): void {
    this.account = { ...this.account, ...changes };
  }

  #read<T>(answer: () => T): T {
    if (this.situation.answer === 'fails') throw failures.unexpected('on demand');
    return answer();
  }

  #write<T>(effect: (account: Account) => T): T {
    if (this.situation.answer === 'fails') throw failures.unexpected('on demand');
    const output = effect(this.account);
    if (this.situation.answer === 'takes effect and fails') throw failures.unexpected('on demand');
    return output;
  }
}

function named(name: string): Error {
  return Object.assign(new Error('on demand'), { name });
}

function valueIn(tags: readonly VirtualMfaDeviceTag[], key: string): string {
  return tags.find(({ Key }) => Key === key)?.Value ?? '';
}
