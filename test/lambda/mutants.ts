/** A rule of decide.ts, broken. */
export interface Mutant {
  readonly rule: string;
  /** Text that occurs once in decide.ts. */
  readonly search: string;
  readonly replace: string;
}

/** Whether a mutant changes one place of decide.ts, and is not left over from an earlier one. */
export function isMutantOf(source: string, { search }: Mutant): boolean {
  return source.split(search).length === 2;
}

/** Each of them must be noticed: see mutants.slow.ts. */
export const MUTANTS: readonly Mutant[] = [
  {
    rule: 'a device of someone else is not touched',
    search: `if (ownership === "someone else's") {`,
    replace: 'if (false) {',
  },
  {
    rule: 'a device without tags is adopted only by these rules',
    search: `if (ownership === 'unmarked') {`,
    replace: 'if (false) {',
  },
  {
    rule: 'a device without tags is adopted only if the current seed records it',
    search: `if (current === 'none' || !isRecorded(current, wanted)) return refused(notOurs);`,
    replace: `if (current === 'none') return refused(notOurs);`,
  },
  {
    rule: 'a device without tags is adopted only if it is enabled for the user',
    search: 'if (!isEnabled(wanted, known)) return refused(notOurs);',
    replace: '',
  },
  {
    rule: 'a device without tags is adopted only if IAM takes the codes of the current seed',
    search: 'if (known.proven !== current.versionId) return proving',
    replace: 'if (false) return proving',
  },
  {
    rule: 'a new device is another one than a device without tags, unless this event has made it',
    search: 'if (!wanted.isInPlace && current.requestTime !== wanted.requestTime) return refused(notOurs);',
    replace: '',
  },
  {
    rule: 'a superseded run adopts no device',
    search: 'if (known.isSuperseded) return failed(wanted, failures.superseded());',
    replace: '',
  },
  {
    rule: 'a run asks before it adopts a device',
    search: `if (known.isSuperseded === undefined) return { do: 'ask whether superseded' };`,
    replace: '',
  },
  {
    rule: 'a device that is marked again names its seed',
    search: 'tags: tagsWith(current, wanted)',
    replace: 'tags: wanted.request.tags',
  },
  {
    rule: 'a device that a later request has made is not changed',
    search: '  }\n  if (isMadeLater(device, wanted)) return refused(failures.superseded());',
    replace: '  }',
  },
  {
    rule: 'a vanished device is not made anew for a request that is superseded',
    search: 'if (isSuperseded) return failed(wanted, failures.superseded());\n    if (tries.created',
    replace: 'if (tries.created',
  },
  {
    rule: 'creations end',
    search: 'if (tries.created >= CREATIONS) return failed(wanted, failures.deviceKeepsVanishing(serialNumber));',
    replace: '',
  },
  {
    rule: 'a seed in hand is stored before anything else',
    search: `if (seed.is === 'in hand') return { do: 'store', seed };`,
    replace: `if (seed.is === 'in hand') return { do: 'done' };`,
  },
  {
    rule: 'it is asked whether the request is superseded',
    search: `if (isSuperseded === undefined) return { do: 'ask whether superseded' };\n  if (isSuperseded) return doubt`,
    replace: 'if (isSuperseded) return doubt',
  },
  {
    rule: 'a superseded request ends',
    search:
      'if (isSuperseded) return doubt ? notPromoted(wanted, doubt, seed) : failed(wanted, failures.superseded());',
    replace: '',
  },
  {
    rule: 'the device is enabled before its seed becomes current',
    search: 'if (!isEnabled(wanted, known)) return enabling(wanted, known, seed);',
    replace: 'if (seed.isCurrent && !isEnabled(wanted, known)) return enabling(wanted, known, seed);',
  },
  {
    rule: 'a seed that is not current is proven first',
    search: '!seed.isCurrent && !isTrusted',
    replace: 'false',
  },
  {
    rule: 'a seed that is not the current one of its device is proven first',
    search: 'return current.stored.seed === seed.stored.seed || (isOwn && isOfEarlier);',
    replace: 'return true;',
  },
  {
    rule: 'one of this event is proven, too, if a rotation may have made the current one',
    search: '(isOwn && isOfEarlier)',
    replace: 'isOwn',
  },
  {
    rule: 'proofs end',
    search: 'if (tries.proofs >= PROOF_TRIES * seeds.length) return otherwise;',
    replace: '',
  },
  {
    rule: 'the seed becomes current',
    search: `  if (!seed.isCurrent) {
    if (doubt)`,
    replace: `  if (false) {
    if (doubt)`,
  },
  {
    rule: 'a seed that may or may not be current is looked up',
    search: 'return inDoubt(wanted, known, doubt);',
    replace: 'return failed(wanted, doubt.failure);',
  },
  {
    rule: 'a device is deleted only if its seed is stored nowhere',
    search: `if (seed === 'none' || (seed.is === 'read' && !isRecorded(seed, wanted))) return withoutSeed(wanted, known);`,
    replace: `if (seed === 'none' || (seed.is === 'read' && !seed.isCurrent)) return withoutSeed(wanted, known);`,
  },
  {
    rule: 'an enabled device whose seed is lost is told of, and waited for no more',
    search: `if (isAssigned) {\n    if (!holder)`,
    replace: `if (false) {\n    if (!holder)`,
  },
  {
    rule: 'a user is not waited for forever',
    search: `return tries.waitedForUser < WAITS_FOR_USER
      ? { do: 'wait for user' }
      : failed(wanted, failures.noSuchUser(userName));`,
    replace: `return { do: 'wait for user' };`,
  },
  {
    rule: 'refusals of codes end',
    search: 'if (tries.refused >= CODE_TRIES) {',
    replace: 'if (false) {',
  },
  {
    rule: 'a seed is not waited for forever',
    search: '!isAnswerLost && tries.waitedForSeed < WAITS_FOR_SEED',
    replace: '!isAnswerLost',
  },
  {
    rule: 'the secret of a replacement is not retired',
    search: `if (isOfReplacement) return { do: 'done' };`,
    replace: '',
  },
  {
    rule: 'the secret is retired',
    search: `return { do: 'retire' };`,
    replace: `return { do: 'done' };`,
  },
  {
    rule: 'a Delete leaves what is not the resource’s',
    search: `if (ownership !== 'ours') return { do: 'leave', because: \`its tags say that it is \${ownership}\` };
  if (isMadeLater(device, wanted)) return { do: 'leave', because: 'a later request has made it' };
  if (undoing && !undoing.alsoFound`,
    replace: `if (isMadeLater(device, wanted)) return { do: 'leave', because: 'a later request has made it' };
  if (undoing && !undoing.alsoFound`,
  },
  {
    rule: 'a Delete leaves what a later request has made',
    search: `if (isMadeLater(device, wanted)) return { do: 'leave', because: 'a later request has made it' };
  if (undoing && !undoing.alsoFound`,
    replace: 'if (undoing && !undoing.alsoFound',
  },
  {
    rule: 'a failed Update in place removes only what it has made',
    search: 'if (undoing && !undoing.alsoFound && device.versionId !== undoing.made) {',
    replace: 'if (false) {',
  },
  {
    rule: 'a failed run deactivates only what it has enabled',
    search: 'if (undoing && !(device.versionId === undoing.enabled && device.madeAt === wanted.requestTime)) {',
    replace: 'if (undoing && device.madeAt !== wanted.requestTime) {',
  },
  {
    rule: 'a failed run deactivates only what its own event has made',
    search: 'if (undoing && !(device.versionId === undoing.enabled && device.madeAt === wanted.requestTime)) {',
    replace: 'if (undoing && device.versionId !== undoing.enabled) {',
  },
  {
    rule: 'a device whose seed has been current stays',
    search: 'return hasBeenCurrent ? refused(failure) : failed(wanted, failure);',
    replace: 'return failed(wanted, failure);',
  },
  {
    rule: 'a tag that names a dead seed is put right if IAM takes the codes of the current one',
    search: `if (other && known.proven === other.versionId) return { do: 'tag', tags: tagsWith(other, wanted) };`,
    replace: '',
  },
  {
    rule: 'a device is deactivated before it is deleted',
    search: `if (tries.deactivated === 0) return { do: 'deactivate', userName };`,
    replace: `if (tries.deactivated === 0 && isAssigned) return { do: 'leave', because: 'it is enabled' };`,
  },
  {
    rule: 'the device goes',
    search: `if (!isAssigned) return { do: 'delete' };`,
    replace: `if (!isAssigned) return { do: 'done' };`,
  },
  {
    rule: 'deactivations end',
    search:
      'if (tries.deactivated > 1) return refused(failures.stillEnabled(serialNumber, holder?.userName ?? userName));',
    replace: '',
  },
  {
    rule: 'a failed run is undone',
    search: `return { do: 'fail', failure, undo: isSpared ? 'what it made' : 'what it made, or found enabled for nobody' };`,
    replace: 'return refused(failure);',
  },
  {
    rule: 'only an own device is proven',
    search: `if (ownershipByTags(device.tags, request) !== 'ours') return refused(failures.notOurDevice(serialNumber));`,
    replace: '',
  },
  {
    rule: 'only a device that is enabled for its user is proven',
    search: 'if (!isEnabled(wanted, known)) return notProven;',
    replace: '',
  },
  {
    rule: 'only a seed that records the device proves it',
    search: `if (current === 'none' || !isRecorded(current, wanted)) return notProven;`,
    replace: `if (current === 'none') return notProven;`,
  },
  {
    rule: 'only IAM proves a device',
    search: `return known.proven === current.versionId ? { do: 'done' } : proving(known, [current], notProven);`,
    replace: `return { do: 'done' };`,
  },
  {
    rule: 'a rotation ends with the version that Secrets Manager has chosen',
    search: '!isAsWanted || !isWantedVersion || ',
    replace: '!isAsWanted || ',
  },
  {
    rule: 'a rotation makes a seed current only once STS takes its codes',
    search: `wanted.waitsForSignIn && !known.canSignIn ? { do: 'wait for sign-in' } : `,
    replace: '',
  },
  {
    rule: 'a device that vanishes whenever it is to be tagged is given up',
    search: 'if (tries.vanished > CREATIONS) return failed(wanted, failures.deviceKeepsVanishing(serialNumber));',
    replace: '',
  },
  {
    rule: 'no device is made in place of one that is to be adopted',
    search: 'if (request.existing) return refused(failures.existingDeviceAbsent(serialNumber));',
    replace: '',
  },
  {
    rule: 'a device of another user is not adopted',
    search: 'if (holder.userName !== undefined) {',
    replace: 'if (false) {',
  },
  {
    rule: 'a device that its user uses is adopted only if IAM takes the codes of the given seed',
    search: 'if (isFoundEnabled && known.proven !== seed.versionId) {',
    replace: 'if (false) {',
  },
  {
    rule: 'a given seed is proven before it becomes current',
    search: 'if ((isAdopting || seed.versionId === known.given) && !isProven) {',
    replace: 'if (false) {',
  },
  {
    rule: 'a failed adoption is undone',
    search: `if (request.existing) return { do: 'fail', failure, undo: 'what it adopted' };`,
    replace: 'if (request.existing) return refused(failure);',
  },
  {
    rule: 'a device that was adopted is not deleted because its seed is lost',
    search: `request.existing ? 'read existing seed' : 'delete'`,
    replace: `'delete'`,
  },
  {
    rule: 'a given seed whose codes IAM refuses is called wrong',
    search: 'seed.versionId === given ? wrongSeed(wanted) : failures.codesRefused(serialNumber)',
    replace: 'failures.codesRefused(serialNumber)',
  },
  {
    rule: 'only an own device is given back',
    search: `if (ownership === "someone else's") return { do: 'leave',`,
    replace: `if (false) return { do: 'leave',`,
  },
  {
    rule: 'a device that a later request has adopted is not given back',
    search: `if (isMadeLater(device, wanted)) return { do: 'leave', because: 'a later request has made it' };
  if (!isGivenBack`,
    replace: 'if (!isGivenBack',
  },
  {
    rule: 'a failed run gives back no device that an earlier request has adopted',
    search: 'undoing.alsoFound && device.madeAt === wanted.requestTime',
    replace: 'undoing.alsoFound',
  },
  {
    rule: 'a failed change in place gives no device back',
    search: 'undoing.alsoFound && device.madeAt === wanted.requestTime',
    replace: 'device.madeAt === wanted.requestTime',
  },
  {
    rule: 'a failed run gives back no device that another run has enabled',
    search: 'const isOthers = !isGivenBack && undoing && device.versionId !== undoing.enabled;',
    replace: 'const isOthers = false;',
  },
  {
    rule: 'a run deactivates what it has enabled after the device was given back',
    search: `if (isGivenBack && undoing?.enabled === undefined) return { do: 'done' };`,
    replace: `if (isGivenBack) return { do: 'done' };`,
  },
  {
    rule: 'a duplicate that has enabled the device meanwhile is not another user',
    search: ' || holder?.userName === request.userName',
    replace: '',
  },
  {
    rule: 'the tag of an adopted device tells how it was found, and not what this run has done',
    search: 'const wasEnabled = known.wasEnabled ?? (isFoundEnabled && known.enabled === undefined);',
    replace: 'const wasEnabled = isFoundEnabled;',
  },
  {
    rule: 'the devices of the user are listed before the tags are looked at',
    search: `if (isAdopting && device === undefined && enabledForUser === undefined) return { do: 'list devices of user' };`,
    replace: `if (isAdopting && device !== undefined && enabledForUser === undefined) return { do: 'list devices of user' };`,
  },
  {
    rule: 'a device that was found unassigned is deactivated before it is given back',
    search: `if (!isOthers && tries.deactivated === 0) return { do: 'deactivate', userName };`,
    replace: `if (!isOthers) return { do: 'done' };`,
  },
  {
    rule: 'a device that is still enabled is not given back',
    search: `    if (isEnabled(wanted, known)) {
      if (isOthers)`,
    replace: `    if (isOthers && isEnabled(wanted, known)) {
      if (isOthers)`,
  },
  {
    rule: 'a device that stays enabled is not waited for forever',
    search: `if (tries.waitedForUser < WAITS_FOR_USER) return { do: 'wait for user' };
      return refused`,
    replace: `if (tries.waitedForUser >= 0) return { do: 'wait for user' };
      return refused`,
  },
  {
    rule: 'only a device that was found unassigned is deactivated',
    search: 'if (isGivenBack || wasUnassigned(device.tags)) {',
    replace: 'if (true) {',
  },
  {
    rule: 'attempts to give a device back end',
    search: 'if (tries.vanished > CREATIONS) return refused(failures.deviceKeepsVanishing(serialNumber));',
    replace: '',
  },
  {
    rule: 'the device’s tag names the seed that is current',
    search: 'if (device.versionId !== seed.versionId) {',
    replace: 'if (false) {',
  },
];
