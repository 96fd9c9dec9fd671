import { IAMClient, ListUserTagsCommand, TagUserCommand, UntagUserCommand } from '@aws-sdk/client-iam';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Account } from '../src/account';
import { AwsError } from '../src/protocol/aws-error';
import { readJson } from '../src/protocol/json';
import { anything, flag, integer, list, optional, readMembers, structure, text } from '../src/protocol/members';
import { readQuery } from '../src/protocol/query';
import { type LoopbackServer, requestHandler, serve } from '../src/server';
import { action } from '../src/service';
import { refusalOf } from './strict-account';

/** What the account was sent last, and what it shall answer. */
let received: unknown;
let answer: unknown;
let server: LoopbackServer;
let iam: IAMClient;
let secretsManager: SecretsManagerClient;

const echo = (input: Parameters<typeof action>[0]['input']) =>
  action({
    input,
    run: (read) => {
      received = read;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });

beforeAll(async () => {
  const account = new Account({ accountId: '123456789012', region: 'us-east-1', partition: 'aws', now: Date.now });
  const name = { UserName: anything() };
  account.register({
    name: 'iam',
    protocol: 'query',
    namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
    actions: {
      TagUser: echo({ ...name, Tags: list(structure({ Key: text(), Value: text() })) }),
      UntagUser: echo({ ...name, TagKeys: list(text()) }),
      ListUserTags: echo(name),
    },
  });
  account.register({
    name: 'secretsmanager',
    protocol: 'json',
    namespace: 'secretsmanager',
    actions: {
      PutSecretValue: echo({ SecretId: text(), SecretString: text(), ClientRequestToken: text() }),
      GetSecretValue: echo({ SecretId: text() }),
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

describe('the members of an input', () => {
  const members = {
    Name: text({ min: 2, max: 4, pattern: /^[a-z]+$/ }),
    Count: optional(integer(1, 10)),
    Flag: optional(flag()),
    Tags: optional(list(structure({ Key: text() }))),
  };

  it('are read from texts as from values, and left out where they are absent', () => {
    expect(readMembers(members, { Name: 'ab', Count: '7', Flag: 'false', Tags: '' })).toEqual({
      Name: 'ab',
      Count: 7,
      Flag: false,
      Tags: [],
    });
    expect(readMembers(members, { Name: 'ab', Count: 7, Flag: true, Tags: undefined })).toEqual({
      Name: 'ab',
      Count: 7,
      Flag: true,
    });
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
    [{ Name: ['ab'] }, `Value '["ab"]' at 'name' failed to satisfy constraint: Member must be a string`],
    [{ Name: 'ab', Flag: 'yes' }, "Value 'yes' at 'flag' failed to satisfy constraint: Member must be a boolean"],
    [{ Name: 'ab', Tags: 'x' }, "Value 'x' at 'tags' failed to satisfy constraint: Member must be a list"],
    [
      { Name: 'ab', Tags: ['x'] },
      "Value 'x' at 'tags.1.member' failed to satisfy constraint: Member must be a structure",
    ],
    [
      { Name: 'ab', Tags: [{}] },
      "Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null",
    ],
  ])('that are wrong are refused as AWS words it: %j', (input, message) => {
    expect(() => readMembers(members, input)).toThrow(
      expect.objectContaining({
        code: 'ValidationError',
        status: 400,
        message: `1 validation error detected: ${message}`,
      }) as Error,
    );
  });

  it.each([
    [{ Name: 'ab', Nonsense: '' }, 'Nonsense'],
    [{ Name: 'ab', toString: '' }, 'toString'],
    [{ Name: 'ab', Tags: [{ Key: 'k', Colour: 'red' }] }, 'tags.1.member.Colour'],
  ])('that nobody declared fail loudly, with their name: %j', (input, name) => {
    expect(() => readMembers(members, input as Record<string, unknown>)).toThrow(
      `local-aws does not implement the parameter ${name}`,
    );
  });
});
