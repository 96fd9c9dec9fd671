import { OWN_TAG_KEYS } from '../../lambda/contract/own-tags';
import { kindOf, NEW_USER_NAME_RULE, PROPERTY_RULES, TAG_RULES } from '../../lambda/contract/property-rules';
import { SERIAL_NUMBER_MAX_LENGTH, serialNumberOf } from '../../lambda/contract/serial-number';
import { type Problem } from './declaration-error';
import { type MfaDeviceTag, type MfaUser } from './document';
import { type JsonDocument, type JsonPath } from './json-document';
import { repetitions } from './repetitions';
import { GROUPS_OF_ALL_USERS, USERS_PER_STACK } from './stack-assignment';
import { unresolvedIn } from './unresolved-text';

const RULES: Readonly<Partial<Record<keyof MfaUser, (typeof PROPERTY_RULES)[keyof typeof PROPERTY_RULES]>>> = {
  ...PROPERTY_RULES,
  UserPath: PROPERTY_RULES.Path,
};
const ACCOUNT_OF_KEY = /^arn:[a-z-]+:kms:[a-z0-9-]+:(\d{12}):key\//;

/** What is known at synthesis of where the users are deployed. */
export interface DeploymentTarget {
  readonly account?: string;
}

/** A user, or the defaults of all, as far as they can be read: other parts of the same document may be broken. */
interface Entry {
  readonly path: JsonPath;
  /** The entry's own value. */
  textOf(key: keyof MfaUser): string | undefined;
  /** The entry's own value, or that of the defaults. */
  effectiveTextOf(key: keyof MfaUser): string | undefined;
  isSet(key: keyof MfaUser): boolean;
  readonly tagKeys: readonly { readonly path: JsonPath; readonly key: string }[];
  readonly groups: readonly Named[];
}

interface Named {
  readonly path: JsonPath;
  readonly name: string;
}

/** Where a document breaks a rule that a schema cannot state, or not exactly. */
export function ruleProblems(json: JsonDocument, { account }: DeploymentTarget): Problem[] {
  const { defaults, users } = entriesOf(json.value);
  const entries = [...(defaults === undefined ? [] : [defaults]), ...users];
  const created = listIn(json.value, 'Groups').flatMap((group, index) =>
    named(['Groups', index, 'GroupName'], textIn(group, 'GroupName')),
  );
  const joined = entries.flatMap(({ groups }) => groups);
  const problem = (path: JsonPath, message: string): Problem => ({
    offset: json.offsetOf(path),
    message: `${json.inWords(path)}: ${message}`,
  });
  return [
    ...entries.flatMap((entry) => propertyProblems(entry, problem)),
    ...users.flatMap((user) => newUserNameProblems(user, problem)),
    ...users.flatMap((user) => serialNumberProblems(user, problem)),
    ...users.flatMap((user) => removalOfExistingUserProblems(user, problem)),
    ...entries.flatMap(({ tagKeys }) => tagProblems(tagKeys, json, problem)),
    ...users.flatMap((user) => tooManyTags(user, defaults, problem)),
    ...groupTwice(created, json, problem),
    ...groupInTwoSpellings({ created, joined }, json, problem),
    ...tooManyGroups([...created, ...joined], problem),
    ...userTwice(users, json, problem),
    ...deviceTwice(users, json, problem),
    ...keysOfAnotherAccount(entries, account, problem),
  ];
}

/** Where any text of a document, in whichever key, would be deployed as another one. */
export function unresolvedTextProblems(json: JsonDocument): Problem[] {
  return json.texts().flatMap(({ path, offset, text }) => {
    const got = unresolvedIn(text);
    return got === undefined
      ? []
      : [
          {
            offset,
            message: `${json.inWords(path)}: got ${got}; allowed: plain text. Write the text that you mean, and run the command again.`,
          },
        ];
  });
}

type Report = (path: JsonPath, message: string) => Problem;

/** The schema has these rules for editors; here they are as the construct and the handler hold them. */
function propertyProblems(entry: Entry, problem: Report): Problem[] {
  return Object.entries(RULES).flatMap(([key, rule]) => {
    const value = entry.textOf(key as keyof MfaUser);
    return value === undefined || rule.accepts(value)
      ? []
      : [
          problem(
            [...entry.path, key],
            `got ${kindOf(value)}; allowed: ${rule.allowed}. Correct it and run the command again.`,
          ),
        ];
  });
}

/** IAM has older users with longer names than it takes for new ones. */
function newUserNameProblems(user: Entry, problem: Report): Problem[] {
  const name = user.textOf('UserName');
  return name === undefined || !user.isSet('CreateUser') || name.length <= NEW_USER_NAME_RULE.maxLength
    ? []
    : [
        problem(
          [...user.path, 'UserName'],
          `got ${kindOf(name)}; allowed: ${NEW_USER_NAME_RULE.allowed}, for a user that the stack creates (CreateUser). ` +
            'Correct it and run the command again.',
        ),
      ];
}

/** The stack does not delete a user who exists already. */
function removalOfExistingUserProblems(user: Entry, problem: Report): Problem[] {
  return !user.isSet('RemoveOtherDevicesWithUser') || user.isSet('CreateUser')
    ? []
    : [
        problem(
          [...user.path, 'RemoveOtherDevicesWithUser'],
          'got true for a user who exists already; allowed: true for users that the stack creates (CreateUser), because it deletes no ' +
            'others. Set it to false for this user and run the command again.',
        ),
      ];
}

/** Without an explicit name, the device's begins with the user's. */
function serialNumberProblems(entry: Entry, problem: Report): Problem[] {
  const path = entry.effectiveTextOf('Path');
  if (path === undefined) {
    return [];
  }
  const name = entry.textOf('VirtualMFADeviceName') ?? entry.textOf('UserName') ?? '';
  const parts = { partition: 'aws', accountId: '123456789012', path, virtualMfaDeviceName: name };
  const excess = serialNumberOf(parts).length - SERIAL_NUMBER_MAX_LENGTH;
  if (excess <= 0) {
    return [];
  }
  const got = path.length + name.length;
  return [
    problem(
      [...entry.path, 'Path'],
      `got ${got} characters, path and name of the device together; allowed: ${got - excess}, because a serial number has ` +
        `at most ${SERIAL_NUMBER_MAX_LENGTH}. Shorten one of them and run the command again.`,
    ),
  ];
}

function tagProblems(tagKeys: Entry['tagKeys'], json: JsonDocument, problem: Report): Problem[] {
  const reserved = tagKeys
    .filter(({ key }) => TAG_RULES.reservedPrefixes.some((prefix) => key.toLowerCase().startsWith(prefix)))
    .map(({ path }) =>
      problem(
        path,
        `got a key with a reserved prefix; allowed: keys that do not begin with ${TAG_RULES.reservedPrefixes.join(' or ')}. ` +
          'Change the key and run the command again.',
      ),
    );
  const twice = repetitions(tagKeys, ({ key }) => key).map(({ item, first }) =>
    problem(
      item.path,
      `got the key of line ${json.lineOf(first.path)} again; allowed: each key once. ` +
        'Remove one of them and run the command again.',
    ),
  );
  return [...reserved, ...twice];
}

/** Tags of the user are added to those of the defaults. */
function tooManyTags(user: Entry, defaults: Entry | undefined, problem: Report): Problem[] {
  const count = new Set([...(defaults?.tagKeys ?? []), ...user.tagKeys].map(({ key }) => key)).size;
  const allowed = TAG_RULES.maxCount - OWN_TAG_KEYS.length;
  return count <= allowed
    ? []
    : [
        problem(
          [...user.path, 'Tags'],
          `got ${count} tags, with those of Defaults; allowed: up to ${allowed}. Remove some and run the command again.`,
        ),
      ];
}

function groupTwice(created: readonly Named[], json: JsonDocument, problem: Report): Problem[] {
  return repetitions(created, ({ name }) => name.toLowerCase()).map(({ item, first }) =>
    problem(
      item.path,
      `got the group of line ${json.lineOf(first.path)} again; allowed: each group once, because IAM ignores the case of names. ` +
        'Remove one of them and run the command again.',
    ),
  );
}

/** CloudFormation heeds the case of names, which IAM ignores. */
function groupInTwoSpellings(
  { created, joined }: Readonly<Record<'created' | 'joined', readonly Named[]>>,
  json: JsonDocument,
  problem: Report,
): Problem[] {
  return repetitions([...created, ...joined], ({ name }) => name.toLowerCase())
    .filter(({ item, first }) => item.name !== first.name && !created.includes(item))
    .map(({ item, first }) =>
      problem(
        item.path,
        `got another spelling of the group of line ${json.lineOf(first.path)}; allowed: one spelling, because IAM ignores the case of ` +
          'names. Write it as it is there, and run the command again.',
      ),
    );
}

function tooManyGroups(groups: readonly Named[], problem: Report): Problem[] {
  const names = new Set<string>();
  const excess = groups.find(({ name }) => names.add(name.toLowerCase()).size > GROUPS_OF_ALL_USERS);
  return excess === undefined
    ? []
    : [
        problem(
          excess.path,
          `got one group more than ${GROUPS_OF_ALL_USERS}; allowed: up to ${GROUPS_OF_ALL_USERS} in all, created or not, which leaves room for ` +
            `${USERS_PER_STACK} users in a stack. Remove some and run the command again.`,
        ),
      ];
}

function userTwice(entries: readonly Entry[], json: JsonDocument, problem: Report): Problem[] {
  return repetitions(entries, (entry) => entry.textOf('UserName')?.toLowerCase()).map(({ item, first }) =>
    problem(
      [...item.path, 'UserName'],
      `got the user of line ${json.lineOf([...first.path, 'UserName'])} again; allowed: each user once, because IAM ignores the ` +
        'case of names. ' +
        'Remove one of them and run the command again.',
    ),
  );
}

function deviceTwice(entries: readonly Entry[], json: JsonDocument, problem: Report): Problem[] {
  const named = entries.filter((entry) => entry.textOf('VirtualMFADeviceName') !== undefined);
  const device = (entry: Entry) => `${entry.effectiveTextOf('Path') ?? '/'}${entry.textOf('VirtualMFADeviceName')}`;
  return repetitions(named, device).map(({ item, first }) =>
    problem(
      [...item.path, 'VirtualMFADeviceName'],
      `got the name and path of line ${json.lineOf([...first.path, 'VirtualMFADeviceName'])} again; allowed: one device with this name and path in ` +
        'an account. Choose another name or path and run the command again.',
    ),
  );
}

/**
 * Where synthesis does not know the account, keys of two accounts are one too many. A single one shows at deployment: the
 * construct names the key of that id in the account that it is deployed to.
 */
function keysOfAnotherAccount(entries: readonly Entry[], account: string | undefined, problem: Report): Problem[] {
  const keys = entries
    .filter((entry) => !entry.isSet('AllowKeyOfAnotherAccount'))
    .map((entry) => ({
      path: entry.path,
      keyAccount: ACCOUNT_OF_KEY.exec(entry.textOf('EncryptionKeyArn') ?? '')?.[1],
    }))
    .filter(({ keyAccount }) => keyAccount !== undefined);
  const own = account ?? keys[0]?.keyAccount;
  const whose =
    account === undefined ? `one account, ${own}, as in the first entry` : `the stack’s own account, ${own}`;
  return keys
    .filter(({ keyAccount }) => keyAccount !== own)
    .map(({ path, keyAccount }) =>
      problem(
        [...path, 'EncryptionKeyArn'],
        `got a key of the account ${keyAccount}; allowed: keys of ${whose}, because the owner of a key can make the seed unreadable, ` +
          'and sees each use of it. Give a key of that account; or, if you mean the other account, add ' +
          '"AllowKeyOfAnotherAccount": true to the entry.',
      ),
    );
}

function entriesOf(document: unknown): { readonly defaults: Entry | undefined; readonly users: readonly Entry[] } {
  const defaults = memberOf(document, 'Defaults');
  return {
    defaults: defaults === undefined ? undefined : entryOf(['Defaults'], defaults, undefined),
    users: listIn(document, 'Users').map((user, index) => entryOf(['Users', index], user, defaults)),
  };
}

function entryOf(path: JsonPath, entry: unknown, defaults: unknown): Entry {
  const name: keyof MfaDeviceTag = 'Key';
  return {
    path,
    textOf: (key) => textIn(entry, key),
    effectiveTextOf: (key) => textIn(entry, key) ?? textIn(defaults, key),
    isSet: (key) => (memberOf(entry, key) ?? memberOf(defaults, key)) === true,
    tagKeys: listIn(entry, 'Tags').flatMap((tag, index) => {
      const key = textIn(tag, name);
      return key === undefined ? [] : [{ path: [...path, 'Tags', index, name], key }];
    }),
    groups: listIn(entry, 'Groups').flatMap((group, index) =>
      named([...path, 'Groups', index], typeof group === 'string' ? group : undefined),
    ),
  };
}

function named(path: JsonPath, name: string | undefined): Named[] {
  return name === undefined ? [] : [{ path, name }];
}

function listIn(value: unknown, key: string): readonly unknown[] {
  const member = memberOf(value, key);
  return Array.isArray(member) ? member : [];
}

function textIn(value: unknown, key: string): string | undefined {
  const member = memberOf(value, key);
  return typeof member === 'string' ? member : undefined;
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}
