import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommandLine } from './command-line';

const SERIAL_NUMBER = 'arn:aws:iam::123456789012:mfa/Bob';
const ANSWER = { code: '123456', secondsLeft: 7, serialNumber: SERIAL_NUMBER, userName: 'Bob' };

let commandLine: CommandLine;
let role = '';
let functions = 0;
beforeAll(async () => {
  commandLine = await CommandLine.start();
  const { Role } = await commandLine.lifecycle.aws.account.invoke('iam', 'CreateRole', {
    RoleName: 'codes',
    AssumeRolePolicyDocument: JSON.stringify({
      Statement: { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    }),
  });
  role = (Role as { Arn: string }).Arn;
});
afterAll(() => commandLine.close());

/** The ARN of an alias of a function that does this; test/e2e/code-function.test.ts runs the real one. */
async function functionThat(body: string): Promise<string> {
  const { lambda } = commandLine.lifecycle.aws;
  functions += 1;
  const FunctionName = `codes-${functions}`;
  await lambda.createFunction(
    { FunctionName, Role: role, Handler: 'index.handler', Runtime: 'nodejs24.x' },
    { source: `exports.handler = async () => { ${body} };` },
  );
  return lambda.createAlias(FunctionName, 'BobMfaSeed-1a2b3c');
}

const functionThatAnswers = (answer: unknown) => functionThat(`return ${JSON.stringify(answer)};`);

describe('--code-function', () => {
  test('shows the code that the function gives out', async () => {
    const arn = await functionThatAnswers(ANSWER);

    expect(await commandLine.run(['code', '--code-function', arn])).toEqual({
      ...{ exitCode: 0, output: '123456  7 s left\n', messages: '' },
    });
    const { output } = await commandLine.run(['code', '--code-function', arn, '--json']);
    expect(JSON.parse(output)).toEqual(ANSWER);
  });

  test('needs nothing but permission to invoke the alias, and says so', async () => {
    const arn = await functionThatAnswers(ANSWER);
    const allowed = { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: arn };
    const runner = await commandLine.keyOfOperator('runner', allowed);
    const stranger = await commandLine.keyOfOperator('stranger');

    const given = await commandLine.run(['code', '--code-function', arn], {}, runner);
    const refused = await commandLine.run(['code', '--code-function', arn], {}, stranger);

    expect(given.exitCode).toBe(0);
    expect(refused.exitCode).toBe(4);
    expect(refused.messages).toContain(`lambda:InvokeFunction on ${arn}`);
  });

  test.each<[what: string, args: readonly string[], exitCode: number, message: RegExp]>([
    ['no device', ['code'], 2, /^No device is given\. Give one of them/],
    ['a device too', ['session', 'Bob', '--code-function', 'x'], 2, /^Both a device and --code-function are given/],
    [
      'no ARN',
      ['code', '--code-function', 'codes'],
      2,
      /^The value of --code-function is no ARN of a function with an/,
    ],
    ['--watch', ['code', '--code-function', 'x', '--watch'], 2, /cannot be used with option/],
    [
      'a function that is not there',
      ['code', '--code-function', 'arn:aws:lambda:us-east-1:123456789012:function:none:alias'],
      3,
      /^There is no function arn:aws:lambda:us-east-1:123456789012:function:none:alias\./,
    ],
  ])('refuses %s', async (_what, args, exitCode, message) => {
    const ended = await commandLine.run(args);

    expect(ended.exitCode).toBe(exitCode);
    expect(ended.output).toBe('');
    expect(ended.messages.replace(/^(?:error|virtual-mfa): /i, '')).toMatch(message);
  });

  test('repeats the words of a function that fails', async () => {
    const arn = await functionThat(`throw new Error('The secret holds no seed.\\u001b[2J');`);

    const { exitCode, messages } = await commandLine.run(['code', '--code-function', arn]);

    expect(exitCode).toBe(1);
    expect(messages).toContain('gave out no code. The secret holds no seed.');
    expect(messages).not.toContain('\u001b');
  });

  test.each([
    ['nothing', null],
    ['another text for the code', { ...ANSWER, code: '12345\u001b[2J' }],
    ['a user that is none', { ...ANSWER, userName: 'Bob\n' }],
    ['a serial number that is none', { ...ANSWER, serialNumber: 'phone' }],
    ['no seconds', { ...ANSWER, secondsLeft: undefined }],
    ['no second left', { ...ANSWER, secondsLeft: 0 }],
    ['half a second', { ...ANSWER, secondsLeft: 7.5 }],
    ['more seconds than a code lasts', { ...ANSWER, secondsLeft: 31 }],
  ])('shows nothing of a function that answers %s', async (_what, answer) => {
    const arn = await functionThatAnswers(answer);

    const { exitCode, output, messages } = await commandLine.run(['code', '--code-function', arn]);

    expect([exitCode, output]).toEqual([1, '']);
    expect(messages).toContain('Its answer is not that of a code function.');
  });

  test('prints no other members of an answer', async () => {
    const arn = await functionThatAnswers({ ...ANSWER, seed: 'GEZDGNBVGY3TQOJQ' });

    const { output } = await commandLine.run(['code', '--code-function', arn, '--json']);

    expect(JSON.parse(output)).toEqual(ANSWER);
  });

  test('repeats no more than 1,000 characters of a function that fails', async () => {
    const arn = await functionThat(`throw new Error('x'.repeat(1_000) + 'y');`);

    const { messages } = await commandLine.run(['code', '--code-function', arn]);

    expect(messages).toContain(`gave out no code. ${'x'.repeat(1_000)} Its log says more.`);
  });

  test.each([
    ['an answer', {}],
    ['an error', { 'x-amz-function-error': 'Unhandled' }],
  ])('quotes nothing of %s that is not JSON', async (_what, headers) => {
    const notLambda = createServer((_request, response) => {
      response.writeHead(200, headers);
      response.end('GEZDGNBVGY3TQOJQ');
    });
    await new Promise<void>((listening) => notLambda.listen(0, '127.0.0.1', listening));
    const { port } = notLambda.address() as AddressInfo;
    const environment = { ...commandLine.lifecycle.aws.environment, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
    const arn = 'arn:aws:lambda:us-east-1:123456789012:function:codes:alias';

    const { exitCode, output, messages } = await commandLine.runIn(environment, ['code', '--code-function', arn]);

    notLambda.close();
    expect([exitCode, output]).toEqual([1, '']);
    expect(messages).toContain(`The function ${arn} gave out no code.`);
    expect(messages).not.toMatch(/GEZ|JSON/);
  });
});
