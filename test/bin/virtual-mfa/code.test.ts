import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommandLine } from './command-line';

let commandLine: CommandLine;
beforeAll(async () => {
  commandLine = await CommandLine.start();
});
afterAll(() => commandLine.close());

describe('virtual-mfa code', () => {
  test('prints a code that STS takes, and the seconds that it has left', async () => {
    const subject = await commandLine.enrolled();
    const { clock } = commandLine.lifecycle;
    clock.advance(30_000 - (clock.now() % 30_000) + 12_000);

    const { exitCode, output } = await commandLine.run(['code', subject.userName]);

    expect(exitCode).toBe(0);
    expect(output).toMatch(/^\d{6} {2}18 s left\n$/);
    await commandLine.signIn(subject, subject.serialNumber(), output.slice(0, 6));
    await commandLine.expectNoSeedPrinted(subject);
  });

  test.each([
    ['the user', 'userName' as const],
    ['the secret', 'seedSecretArn' as const],
  ])('gives the same for %s and for the serial number, as JSON', async (_what, key) => {
    const subject = await commandLine.enrolled();

    const given = await commandLine.run(['code', subject[key], '--json']);
    const bySerialNumber = await commandLine.run(['code', subject.serialNumber(), '--json']);

    expect(given.output).toBe(bySerialNumber.output);
    expect(JSON.parse(given.output)).toEqual({
      userName: subject.userName,
      serialNumber: subject.serialNumber(),
      code: expect.stringMatching(/^\d{6}$/) as string,
      secondsLeft: expect.any(Number) as number,
    });
  });

  test('watches: one line for each code, until interrupted', async () => {
    const subject = await commandLine.enrolled();

    const { exitCode, output } = await commandLine.run(['code', subject.userName, '--watch'], { interruptAtWait: 3 });

    const lines = output.trimEnd().split('\n');
    expect(exitCode).toBe(130);
    expect(lines).toHaveLength(3);
    expect(new Set(lines.map((line) => line.slice(0, 6))).size).toBe(3);
    expect(commandLine.waits.slice(1)).toEqual([30_000, 30_000]);
  });

  test('watches on a terminal with a bar that moves each second', async () => {
    const subject = await commandLine.enrolled();

    const { exitCode, output } = await commandLine.run(['code', subject.userName, '--watch'], {
      isTerminal: true,
      interruptAtWait: 4,
    });

    expect(exitCode).toBe(130);
    expect(output).toMatch(/\d{6} {2}█+░* {2}\d+ s/);
    expect(Math.max(...commandLine.waits)).toBeLessThanOrEqual(1_000);
  });

  test('watches as JSON, a line for each code, on a terminal too', async () => {
    const subject = await commandLine.enrolled();

    const { output } = await commandLine.run(['code', subject.userName, '--watch', '--json'], {
      isTerminal: true,
      interruptAtWait: 2,
    });

    const codes = output
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { secondsLeft: number }).secondsLeft);
    expect(codes).toEqual([expect.any(Number), 30]);
  });

  test('needs nothing but secretsmanager:GetSecretValue where the secret is given', async () => {
    const subject = await commandLine.enrolled();
    const key = await commandLine.keyOfOperator('reader', {
      Effect: 'Allow',
      Action: 'secretsmanager:GetSecretValue',
      Resource: subject.seedSecretArn,
    });

    const { exitCode } = await commandLine.run(['code', subject.seedSecretArn], {}, key);

    expect(exitCode).toBe(0);
  });
});
