import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { progressIn } from '../../../bin/demo/cdk-progress';
import { Screen } from '../../../bin/demo/screen';

const SERIAL_NUMBER = 'arn:aws:iam::123456789012:mfa/Bob-0123456789';

/** A stream that remembers; with columns it is a terminal. */
class Recording extends Writable {
  written = '';
  readonly isTTY: boolean;

  constructor(readonly columns?: number) {
    super();
    this.isTTY = columns !== undefined;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += chunk.toString();
    done();
  }
}

describe('the screen of the demo', () => {
  test('wraps a fact to the terminal’s width, the rest under its beginning', async () => {
    const stream = new Recording(50);

    (await Screen.on(stream)).fact('Right code', `accepted: a session of ${SERIAL_NUMBER} with MFA`);

    expect(stripVTControlCharacters(stream.written)).toBe(
      [
        '  ✓ Right code      accepted: a session of',
        '                    arn:aws:iam::123456789012:mfa/',
        '                    Bob-0123456789 with MFA',
        '',
      ].join('\n'),
    );
  });

  test('gives each further value of a fact a line of its own', async () => {
    const stream = new Recording();

    (await Screen.on(stream)).fact('AWS calls', 'iam:CreateVirtualMFADevice', 'iam:EnableMFADevice');

    expect(stream.written).toBe(
      '  ✓ AWS calls       iam:CreateVirtualMFADevice\n                    iam:EnableMFADevice\n',
    );
  });

  test('keeps the lines of a command within the width, the rest of a line under its text', async () => {
    const stream = new Recording();

    (await Screen.on(stream, { columns: 40 })).lines(`✓ enabled      for Bob, since the beginning of time\n`, 15);

    expect(stream.written).toBe('  ✓ enabled      for Bob, since the\n                 beginning of time\n');
  });

  test('shows a line while something works, and leaves nothing of it', async () => {
    const stream = new Recording(80);
    const screen = await Screen.on(stream);

    await screen.during('cdk deploy', async (show) => {
      expect(stripVTControlCharacters(stream.written)).toMatch(/⠋ 0 s {2}cdk deploy$/);
      show('cdk deploy  5 of 9 resources');
      await new Promise((later) => setTimeout(later, 250));
    });

    expect(stream.written).toContain('cdk deploy  5 of 9 resources');
    expect(stream.written).not.toContain('\n');
    // Cursor and wrapping are on again, and the line is erased.
    const [SHOW_CURSOR, WRAP, ERASE_LINE] = ['\u001b[?25h', '\u001b[?7h', '\u001b[2K'];
    expect(stream.written).toContain(SHOW_CURSOR);
    expect(stream.written).toContain(WRAP);
    expect(stream.written.endsWith(ERASE_LINE)).toBe(true);
  });

  test('clears the line when the work fails', async () => {
    const stream = new Recording(80);
    const screen = await Screen.on(stream);

    await expect(screen.during('cdk deploy', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');

    expect(stream.written.endsWith('\u001b[2K')).toBe(true);
  });

  test('shows no line and writes no escape codes without a terminal', async () => {
    const stream = new Recording();
    const screen = await Screen.on(stream);

    screen.title('cdk deploy');
    screen.note('STS learns of a new device');
    screen.failure('Step "cdk deploy" failed');
    await screen.during('cdk deploy', async (show) => {
      show('cdk deploy  5 of 9 resources');
      await new Promise((later) => setTimeout(later, 250));
    });

    expect(stream.written).toBe('\n▸ cdk deploy\n  STS learns of a new device\n\nStep "cdk deploy" failed\n');
  });

  test('gets its colours where they are asked for', async () => {
    const stream = new Recording();

    (await Screen.on(stream, { inColours: true })).title('cdk deploy');

    expect(stream.written).toContain('\u001b[1m');
  });
});

describe('the progress of the CDK CLI', () => {
  const BEGIN =
    'VirtualMfaUsers | 4/9 | 12:50:21 AM | CREATE_COMPLETE         | AWS::SecretsManager::Secret | BobMfa/Seed \n';

  test.each([
    [BEGIN, '4 of 9 resources  AWS::SecretsManager::Secret'],
    [`${BEGIN}${BEGIN.replace('4/9', '5/9')}`, '5 of 9 resources  AWS::SecretsManager::Secret'],
    [`\u001b[32m${BEGIN}\u001b[39m`, '4 of 9 resources  AWS::SecretsManager::Secret'],
    [
      'VirtualMfaUsers |   2 | 12:50:43 AM | DELETE_COMPLETE         | AWS::Lambda::Function       | Handler\n',
      '2 resources done  AWS::Lambda::Function',
    ],
    [
      'VirtualMfaUsers: creating CloudFormation changeset...\n',
      'VirtualMfaUsers: creating CloudFormation changeset...',
    ],
    ['\n', undefined],
  ])('in %j is %j', (printed, progress) => {
    expect(progressIn(printed)).toBe(progress);
  });
});
