import { IAMClient, ListUserTagsCommand, TagUserCommand, UntagUserCommand } from '@aws-sdk/client-iam';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Account } from '../src/account';
import { AwsError } from '../src/protocol/aws-error';
import { readJson } from '../src/protocol/json';
import { readInput } from '../src/protocol/input';
import type { Shape } from '../src/protocol/spec';
import { readQuery } from '../src/protocol/query';
import { type LoopbackServer, requestHandler, serve } from '../src/server';
import type { Action } from '../src/service';
import { refusalOf } from './strict-account';

/** What the account was sent last, and what it shall answer. */
let received: unknown;
let answer: unknown;
let server: LoopbackServer;
let iam: IAMClient;
let secretsManager: SecretsManagerClient;

const TEXT: Shape = { type: 'string' };
const specOf = (input: Readonly<Record<string, Shape>>) => ({ input, errors: [] });
const echo = (...takes: string[]): Action => ({
  takes,
  run: (read) => {
    received = read;
    if (answer instanceof Error) throw answer;
    return answer;
  },
});

beforeAll(async () => {
  const account = new Account({ accountId: '123456789012', region: 'us-east-1', partition: 'aws', now: Date.now });
  const tag: Shape = { type: 'structure', members: { Key: TEXT, Value: TEXT } };
  account.register({
    name: 'iam',
    protocol: 'query',
    namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
    spec: {
      TagUser: specOf({ UserName: TEXT, Tags: { type: 'list', member: tag } }),
      UntagUser: specOf({ UserName: TEXT, TagKeys: { type: 'list', member: TEXT } }),
      ListUserTags: specOf({ UserName: TEXT }),
    },
    actions: {
      TagUser: echo('UserName', 'Tags'),
      UntagUser: echo('UserName', 'TagKeys'),
      ListUserTags: echo('UserName'),
    },
  });
  account.register({
    name: 'secretsmanager',
    protocol: 'json',
    namespace: 'secretsmanager',
    spec: {
      PutSecretValue: specOf({ SecretId: TEXT, SecretString: TEXT, ClientRequestToken: TEXT }),
      GetSecretValue: specOf({ SecretId: TEXT }),
    },
    actions: {
      PutSecretValue: echo('SecretId', 'SecretString', 'ClientRequestToken'),
      GetSecretValue: echo('SecretId'),
    },
  });
  server = await serve(requestHandler(account, []), 0);
  const credentials = account.credentials.issueAccessKey(account.root);
  const settings = { endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 1 };
  iam = new IAMClient(settings);
  secretsManager = new SecretsManagerClient(settings);
});

afterAll(async () => {
  iam.destroy();
  secretsManager.destroy();
  await server.close();
});

/** Text with everything that URLs, forms and XML treat specially. */
const nasty = fc.string({
  unit: fc.constantFrom(...Array.from('aZ0 &<>"\'%+=;.,[]{}()\\/?#~*_-:@\n\té漢😀')),
  maxLength: 20,
});
const anyText = fc.oneof(nasty, fc.string({ unit: 'grapheme', maxLength: 20 }));
/** XML 1.0 has no other control characters, not even escaped. */
const xmlText = anyText.map((value) => value.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, ''));

describe('a request of the query protocol (for all texts)', () => {
  it('arrives as the SDK was given it: lists of structures', async () => {
    answer = undefined;
    const tags = fc.array(fc.record({ Key: anyText, Value: anyText }), { minLength: 1, maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(anyText, tags, async (UserName, Tags) => {
        await iam.send(new TagUserCommand({ UserName, Tags }));
        expect(received).toEqual({ UserName, Tags });
      }),
      { numRuns: 150 },
    );
  });

  it('arrives as the SDK was given it: lists of texts, the empty one too', async () => {
    answer = undefined;
    await fc.assert(
      fc.asyncProperty(fc.array(anyText, { maxLength: 25 }), async (TagKeys) => {
        await iam.send(new UntagUserCommand({ UserName: 'Bob', TagKeys }));
        expect(received).toEqual({ UserName: 'Bob', TagKeys });
      }),
      { numRuns: 100 },
    );
  });
});

describe('reading a request of the query protocol', () => {
  it('orders a list by its numbers, not by their text', () => {
    const numbers = Array.from({ length: 12 }, (_, index) => index + 1);
    const body = [...numbers].reverse().map((number) => `Names.member.${number}=n${number}`);
    expect(readQuery(`Action=List&Version=1&${body.join('&')}`)).toEqual({
      action: 'List',
      input: { Names: numbers.map((number) => `n${number}`) },
    });
  });

  it('reads lists within structures within lists', () => {
    const { input } = readQuery('Action=A&Outer.member.1.Inner.member.1.Key=a&Outer.member.1.Inner.member.2.Key=b');
    expect(input).toEqual({ Outer: [{ Inner: [{ Key: 'a' }, { Key: 'b' }] }] });
  });

  it('keeps thousands of parameters, and none back that has an unusual name', () => {
    const many = Array.from({ length: 12_000 }, (_, index) => `Names.member.${index + 1}=n`);
    expect(readQuery(`Action=A&${many.join('&')}`).input.Names).toHaveLength(12_000);
    expect(Object.keys(readQuery('Action=A&toString=1&constructor=2').input)).toEqual(['toString', 'constructor']);
  });

  it('refuses a request that names no action', () => {
    expect(() => readQuery('Version=1')).toThrow('names no action');
  });
});

describe('an answer of the query protocol (for all texts)', () => {
  it('reaches the SDK as the action gave it', async () => {
    const tags = fc.array(fc.record({ Key: xmlText, Value: xmlText }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(tags, fc.boolean(), async (Tags, IsTruncated) => {
        answer = { Tags, IsTruncated };
        const { Tags: answered, IsTruncated: truncated } = await iam.send(new ListUserTagsCommand({ UserName: 'Bob' }));
        // The SDK itself takes white space with a line break for the indentation of an empty element.
        const read = (value: string) => (/^\s*\n\s*$/.test(value) ? '' : value);
        expect(answered).toEqual(Tags.map(({ Key, Value }) => ({ Key: read(Key), Value: read(Value) })));
        expect(truncated).toBe(IsTruncated);
      }),
      { numRuns: 200 },
    );
  });

  it('tells the message of an error to the letter', async () => {
    await fc.assert(
      fc.asyncProperty(xmlText, async (said) => {
        // A message begins and ends with something to see.
        const message = `(${said})`;
        answer = new AwsError('NoSuchEntity', message, 404);
        expect(await refusalOf(iam.send(new ListUserTagsCommand({ UserName: 'Bob' })))).toEqual({
          code: 'NoSuchEntity',
          status: 404,
          message,
        });
      }),
      { numRuns: 100 },
    );
  });

  it('stays readable where the message quotes a character that XML does not have', async () => {
    answer = new AwsError('ValidationError', 'not \u0000 \u001b \uFFFF this');
    const refusal = await refusalOf(iam.send(new ListUserTagsCommand({ UserName: 'Bob' })));
    expect(refusal).toEqual({ code: 'ValidationError', status: 400, message: 'not \uFFFD \uFFFD \uFFFD this' });
  });
});

describe('the JSON protocol (for all texts)', () => {
  it('carries values there and back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 30 }), async (SecretString) => {
        answer = { SecretString, CreatedDate: new Date(1_700_000_000_123), SecretBinary: Uint8Array.of(0, 255) };
        await secretsManager.send(new PutSecretValueCommand({ SecretId: 'id', SecretString }));
        expect(received).toMatchObject({ SecretId: 'id', SecretString });
        const got = await secretsManager.send(new GetSecretValueCommand({ SecretId: 'id' }));
        expect(got.SecretString).toBe(SecretString);
        expect(got.CreatedDate).toEqual(new Date(1_700_000_000_123));
        expect(got.SecretBinary).toEqual(Uint8Array.of(0, 255));
      }),
      { numRuns: 100 },
    );
  });

  it('refuses a body that is no JSON object', () => {
    for (const body of ['{', 'null', '[]', '"text"']) {
      expect(() => readJson('secretsmanager.PutSecretValue', body)).toThrow(
        'The body of PutSecretValue is not a JSON object',
      );
    }
    expect(readJson('secretsmanager.PutSecretValue', '')).toEqual({ action: 'PutSecretValue', input: {} });
  });
});

describe('an input', () => {
  const input: Readonly<Record<string, Shape>> = {
    Name: { type: 'string', required: true, min: 2, max: 4, pattern: '[a-z]+' },
    Count: { type: 'integer', min: 1, max: 10 },
    Flag: { type: 'boolean' },
    Kind: { type: 'string', enum: ['one', 'other'] },
    Secret: { type: 'string', max: 3, sensitive: true },
    Tags: { type: 'list', max: 2, member: { type: 'structure', members: { Key: { ...TEXT, required: true } } } },
  };
  const rules = { spec: { Act: specOf(input) }, echoesValues: true };
  const read = (values: Record<string, unknown>, more = {}) =>
    readInput({ ...rules, ...more }, 'Act', [...Object.keys(input)], values);
  const refused = (message: string, code = 'ValidationError') =>
    expect.objectContaining({ code, status: 400, message }) as Error;

  it('is read from texts as from values, and left out where it is absent', () => {
    expect(read({ Name: 'ab', Count: '7', Flag: 'false', Tags: '' })).toEqual({
      Name: 'ab',
      Count: 7,
      Flag: false,
      Tags: [],
    });
    expect(read({ Name: 'ab', Count: 7, Flag: true, Tags: undefined })).toEqual({ Name: 'ab', Count: 7, Flag: true });
  });

  it.each([
    [{}, "Value null at 'name' failed to satisfy constraint: Member must not be null"],
    [
      { Name: 'a' },
      "Value 'a' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 2",
    ],
    [
      { Name: 'abcde' },
      "Value 'abcde' at 'name' failed to satisfy constraint: Member must have length less than or equal to 4",
    ],
    [
      { Name: 'A1' },
      "Value 'A1' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
    ],
    [
      { Name: 'ab\n' },
      "Value 'ab\n' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
    ],
    [
      { Name: 'ab', Count: 11 },
      "Value '11' at 'count' failed to satisfy constraint: Member must have value less than or equal to 10",
    ],
    [
      { Name: 'ab', Kind: 'neither' },
      "Value 'neither' at 'kind' failed to satisfy constraint: Member must satisfy enum value set: [one, other]",
    ],
    [
      { Name: 'ab', Secret: 'known to nobody' },
      "Value at 'secret' failed to satisfy constraint: Member must have length less than or equal to 3",
    ],
    [
      { Name: 'ab', Tags: [{}] },
      "Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null",
    ],
  ])('that breaks a constraint is refused as AWS words it: %j', (values, message) => {
    expect(() => read(values)).toThrow(refused(`1 validation error detected: ${message}`));
  });

  it('is refused with every constraint that it breaks, and without values where the service repeats none', () => {
    expect(() => read({ Name: 'a', Count: '0' }, { echoesValues: false })).toThrow(
      refused(
        "2 validation errors detected: Value at 'name' failed to satisfy constraint: Member must have length greater than or equal to 2; " +
          "Value at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1",
      ),
    );
  });

  it('is refused in a sentence of the service, where it has one for the pattern', () => {
    const patternSentence = (member: string) => `The specified value for ${member} is invalid.`;
    expect(() => read({ Name: 'A1' }, { patternSentence })).toThrow(
      refused('The specified value for name is invalid.'),
    );
  });

  it.each([
    [{ Name: ['ab'] }, 'name is not a string'],
    [{ Name: 'ab', Count: '1.5' }, 'count is not an integer'],
    [{ Name: 'ab', Count: '2147483648' }, 'count is not an integer'],
    [{ Name: 'ab', Flag: 'yes' }, 'flag is not a boolean'],
    [{ Name: 'ab', Tags: 'x' }, 'tags is not a list'],
    [{ Name: 'ab', Tags: ['x'] }, 'tags.1.member is not a structure'],
  ])('of the wrong type cannot be read: %j', (values, message) => {
    expect(() => read(values)).toThrow(refused(message, 'MalformedInput'));
  });

  it.each([
    [{ Name: 'ab', Nonsense: '' }, 'Nonsense'],
    [{ Name: 'ab', toString: '' }, 'toString'],
    [{ Name: 'ab', Tags: [{ Key: 'k', Colour: 'red' }] }, 'tags.1.member.Colour'],
  ])('with a parameter that nobody declared fails loudly, with its name: %j', (values, name) => {
    expect(() => read(values as Record<string, unknown>)).toThrow(`local-aws does not implement the parameter ${name}`);
  });

  it('with a parameter that AWS has, and local-aws does nothing about, fails loudly, too', () => {
    expect(() => readInput(rules, 'Act', ['Name'], { Name: 'ab', Count: 1 })).toThrow(
      'local-aws does not implement the parameter Count',
    );
  });
});
