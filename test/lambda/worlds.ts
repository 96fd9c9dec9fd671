import { NOTHING_KNOWN } from '../../lambda/device/known';
import { ENROLLMENT_TAG } from '../../lambda/contract/own-tags';
import type { EnrollmentRequest } from '../../lambda/device/enrollment-request';
import { failures } from '../../lambda/failure';
import type { Present } from '../../lambda/device/wanted';
import {
  type Account,
  adoption,
  DENIED,
  EARLIER,
  EMPTY,
  ENABLED,
  EXISTING,
  FORMER_TAG,
  MADE_ANEW,
  OWN,
  REPLACED,
  request,
  serialNumber,
} from './account-model';
import type { World } from './walk';

const present = (changes: Partial<Present> = {}): Present => ({
  want: 'present',
  request,
  serialNumber,
  requestTime: OWN,
  isInPlace: false,
  takesOver: true,
  formerTagKeys: [],
  ...changes,
});
const inPlace = present({ isInPlace: true, takesOver: false, formerTagKeys: [FORMER_TAG] });
/** A tick of a watch acts as a late duplicate of the request that the device was made for. */
const tick = present({ isInPlace: true, takesOver: false });
const MADE_BY_OWN = `${OWN}-made`;
const watched: Account = {
  ...ENABLED,
  tagged: MADE_BY_OWN,
  versions: { [MADE_BY_OWN]: { seed: ENABLED.seed, of: 'device' } },
  current: MADE_BY_OWN,
};
const proven = { want: 'proven', request, serialNumber, requestTime: OWN } as const;
const absent = { want: 'absent', request, serialNumber, requestTime: OWN } as const;

/** Most of the tries are spent already: what happens at the last is not different from what happens at the first. */
const TIRED = {
  tries: {
    ...NOTHING_KNOWN.tries,
    enabled: 28,
    refused: 2,
    proofs: 4,
    vanished: 3,
    waitedForSeed: 5,
    waitedForUser: 21,
  },
};
const NO_DEVICE = { ...TIRED, device: 'absent' } as const;
const MADE_ONCE = { tries: { ...TIRED.tries, created: 1 } };
const outdated: Account = {
  ...ENABLED,
  isTagged: false,
  versions: { [ENABLED.tagged]: { seed: ENABLED.seed, of: 'device', isOutdated: true } },
};

const orphan: Account = { ...ENABLED, holder: '', versions: {}, current: '' };
const NO_DEVICE_THERE = { marks: 'no device', tagged: '', seed: '', isTagged: false, holder: '', found: '' } as const;
const gone: Account = { ...ENABLED, ...NO_DEVICE_THERE };
const unmarked: Account = { ...ENABLED, marks: 'none', tagged: '', isTagged: false };
const foreign: Account = { ...EMPTY, marks: 'foreign', seed: 'SEEDFOREIGN', holder: 'bob' };

/** The device is there for another rotation, under the same name. */
const rotated: EnrollmentRequest = {
  ...request,
  ownershipTags: request.ownershipTags.map((tag) => (tag.Key === ENROLLMENT_TAG ? { ...tag, Value: 'rotated' } : tag)),
};

const adopting = present({ request: adoption });
const released = { ...absent, want: 'released', request: adoption } as const;
const existingOfBob: Account = { ...EXISTING, holder: 'bob' };
const adoptedAccount: Account = { ...ENABLED, given: ENABLED.seed, found: 'unassigned' };

/** Where runs begin; from there the others lead everywhere else. */
export const WORLDS: readonly World[] = [
  {
    name: 'the retirement of a Delete',
    calm: 'done',
    moves: 3,
    wanted: { ...absent, want: 'retired' },
    known: {},
    account: ENABLED,
  },
  {
    name: 'the retirement of a clean-up',
    calm: 'done',
    moves: 3,
    wanted: { ...absent, want: 'retired' },
    known: {},
    account: REPLACED,
  },
  { name: 'the proof before a rotation', calm: 'done', wanted: proven, known: TIRED, account: ENABLED },
  {
    name: 'the proof of a secret that names another device',
    calm: failures.notEnabledWithCurrentSeed(serialNumber, 'bob').whatHappened,
    wanted: proven,
    known: TIRED,
    account: REPLACED,
  },
  {
    name: 'the proof of a device without tags',
    calm: failures.notOurDevice(serialNumber).whatHappened,
    wanted: proven,
    known: TIRED,
    account: unmarked,
  },
  {
    name: 'the end of a rotation',
    calm: 'done',
    wanted: { ...inPlace, seedVersionId: '6f1c0c1e-5f5d-4a53-9d0b-0d7e5f3f2a11' },
    known: TIRED,
    account: ENABLED,
  },
  {
    name: 'the end of a rotation whose device bears the tag of a deployment that was late',
    calm: 'done',
    // Those who overwrite the current seed as well take from it what tells.
    moves: 0,
    wanted: { ...inPlace, seedVersionId: '6f1c0c1e-5f5d-4a53-9d0b-0d7e5f3f2a11' },
    known: TIRED,
    account: {
      ...watched,
      tagged: `${OWN}-late`,
      versions: { ...watched.versions, [`${OWN}-late`]: { seed: 'SEEDBEFORE', of: 'device' } },
    },
  },
  {
    name: 'a device made anew by a rotation',
    calm: 'done',
    wanted: { ...inPlace, waitsForSignIn: true },
    known: TIRED,
    account: gone,
  },
  { name: 'a Delete', calm: 'done', moves: 3, wanted: absent, known: {}, account: ENABLED },
  {
    name: 'a Create over a device of someone else',
    calm: failures.notOurDevice(serialNumber).whatHappened,
    wanted: present(),
    known: NO_DEVICE,
    account: foreign,
  },
  {
    name: 'a replacement under the same name',
    calm: failures.sameNameReplacement(serialNumber).whatHappened,
    moves: 0,
    wanted: { ...inPlace, request: rotated },
    known: TIRED,
    account: ENABLED,
  },
  {
    name: 'a Create over a device without tags',
    calm: failures.notOurDevice(serialNumber).whatHappened,
    wanted: present(),
    known: NO_DEVICE,
    account: unmarked,
  },
  {
    name: 'an Update in place of a device without tags',
    calm: 'done',
    wanted: inPlace,
    known: TIRED,
    account: unmarked,
  },
  { name: 'an Update in place of a device made anew', calm: 'done', wanted: inPlace, known: TIRED, account: MADE_ANEW },
  {
    name: 'an Update in place of a device whose tag was moved',
    calm: 'done',
    wanted: inPlace,
    known: TIRED,
    account: { ...MADE_ANEW, tagged: MADE_ANEW.previous },
  },
  { name: 'an Update in place', calm: 'done', wanted: inPlace, known: TIRED, account: outdated },
  {
    name: 'a rollback with the old id',
    calm: 'done',
    wanted: present({ isInPlace: true }),
    known: TIRED,
    account: REPLACED,
  },
  {
    name: 'a rollback with the new id',
    calm: 'done',
    wanted: present(),
    known: NO_DEVICE,
    account: { ...REPLACED, isTagged: false },
  },
  { name: 'a tick over a device as declared', calm: 'done', wanted: tick, known: MADE_ONCE, account: watched },
  {
    name: 'a tick over a device that was deactivated',
    calm: 'done',
    wanted: tick,
    known: MADE_ONCE,
    account: { ...watched, holder: '' },
  },
  {
    name: 'a tick over a device without tags',
    calm: 'done',
    wanted: tick,
    known: MADE_ONCE,
    account: { ...watched, marks: 'none', tagged: '', isTagged: false },
  },
  {
    name: 'a tick over a device whose seed is not current',
    calm: 'done',
    wanted: tick,
    known: MADE_ONCE,
    account: {
      ...watched,
      versions: { ...watched.versions, [`${EARLIER}-forged`]: { seed: 'SEEDFORGED', of: 'device' } },
      current: `${EARLIER}-forged`,
      previous: watched.tagged,
    },
  },
  {
    name: 'a tick over a device that was deleted',
    calm: 'done',
    wanted: tick,
    known: MADE_ONCE,
    account: { ...watched, ...NO_DEVICE_THERE },
  },
  { name: 'a Create over an orphan', calm: 'done', wanted: present(), known: NO_DEVICE, account: orphan },
  { name: 'a Create', calm: 'done', wanted: present(), known: NO_DEVICE, account: EMPTY },
  {
    name: 'an Update in place of a device that was deleted',
    calm: 'done',
    wanted: inPlace,
    known: TIRED,
    account: gone,
  },
  { name: 'an adoption of a device that nobody uses', calm: 'done', wanted: adopting, known: TIRED, account: EXISTING },
  {
    name: 'an adoption of a device that its user uses',
    calm: 'done',
    wanted: adopting,
    known: TIRED,
    account: existingOfBob,
  },
  {
    name: 'an adoption with a wrong seed',
    calm: failures.existingSeedWrong(serialNumber, 'bob').whatHappened,
    wanted: adopting,
    known: TIRED,
    account: { ...EXISTING, given: 'SEEDWRONG' },
  },
  {
    name: 'an adoption of a used device with a wrong seed',
    calm: failures.existingSeedWrong(serialNumber, 'bob').whatHappened,
    wanted: adopting,
    known: TIRED,
    account: { ...existingOfBob, given: 'SEEDWRONG' },
  },
  {
    name: 'an adoption of a device of another user',
    calm: failures.enabledForAnotherUser(serialNumber, 'bob').whatHappened,
    wanted: adopting,
    known: TIRED,
    account: { ...EXISTING, holder: 'eve' },
  },
  {
    name: 'an adoption of a device of another resource',
    calm: failures.existingDeviceOfAnother(serialNumber).whatHappened,
    wanted: adopting,
    known: TIRED,
    account: { ...foreign, given: foreign.seed },
  },
  {
    name: 'an adoption of a device that an earlier request has adopted',
    calm: 'done',
    wanted: adopting,
    known: TIRED,
    account: adoptedAccount,
  },
  {
    name: 'an Update in place of a device that was adopted',
    calm: 'done',
    wanted: { ...inPlace, request: adoption },
    known: TIRED,
    account: { ...adoptedAccount, isTagged: false },
  },
  {
    name: 'a second run of an Update in place of a device that was adopted, and that somebody has deactivated',
    calm: 'done',
    wanted: { ...inPlace, request: adoption },
    known: TIRED,
    account: { ...watched, given: watched.seed, found: 'unassigned', holder: '' },
  },
  {
    name: 'an Update in place of a device that was adopted, and whose stored seed is lost',
    calm: 'done',
    wanted: { ...inPlace, request: adoption },
    known: TIRED,
    account: { ...adoptedAccount, versions: {}, current: '' },
  },
  {
    name: 'the same, with a wrong seed',
    calm: failures.existingSeedWrong(serialNumber, 'bob').whatHappened,
    wanted: { ...inPlace, request: adoption },
    known: TIRED,
    account: { ...adoptedAccount, versions: {}, current: '', given: 'SEEDWRONG' },
  },
  {
    name: 'a Delete of a device that was found unassigned',
    calm: 'done',
    moves: 2,
    wanted: released,
    known: {},
    account: adoptedAccount,
  },
  {
    name: 'a Delete of a device that was found enabled',
    calm: 'done',
    moves: 2,
    wanted: released,
    known: {},
    account: { ...adoptedAccount, found: 'enabled' },
  },
  {
    name: 'a replacement',
    calm: 'done',
    wanted: present(),
    known: NO_DEVICE,
    account: { ...REPLACED, ...NO_DEVICE_THERE },
  },
];

/** All the ways in which runs end. */
export const ENDS: readonly string[] = [
  'done',
  'a later request has made it',
  'it is enabled for a user outside the stack',
  "its tags say that it is someone else's",
  'its tags say that it is unmarked',
  ...[
    failures.codesRefused(serialNumber),
    failures.deviceKeepsVanishing(serialNumber),
    failures.enabledForAnotherUser(serialNumber, 'bob'),
    failures.existingDeviceAbsent(serialNumber),
    failures.existingDeviceOfAnother(serialNumber),
    failures.existingSeedWrong(serialNumber, 'bob'),
    failures.noSuchUser('bob'),
    failures.notEnabledWithCurrentSeed(serialNumber, 'bob'),
    failures.notOurDevice(serialNumber),
    failures.sameNameReplacement(serialNumber),
    failures.seedNotOfDevice(serialNumber),
    failures.seedOfEnabledDeviceLost(serialNumber, 'bob'),
    failures.seedOfEnabledDeviceLost(serialNumber, 'eve'),
    failures.seedSecretGone(request.seedSecretArn),
    failures.stillEnabled(serialNumber, 'bob'),
    failures.stillEnabled(serialNumber, 'eve'),
    failures.superseded(),
    failures.tooManyDevicesInAccount(),
    failures.unexpected('NoSuchEntityException: on demand'),
    failures.unexpected('on demand'),
    failures.userQuotaReached('bob', 0),
    DENIED,
  ].map(({ whatHappened }) => whatHappened),
];
