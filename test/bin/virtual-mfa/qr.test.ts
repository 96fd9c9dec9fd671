import {
  chmodSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import font from 'oled-font-5x7';
import { PNG } from 'pngjs';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { codeAt } from '../../../lambda/contract/authentication-codes';
import type { Subject } from '../../lambda/subject';
import { CommandLine } from './command-line';
import { QrDecoder } from './qr-decoder';

let commandLine: CommandLine;
let decoder: QrDecoder;
let subject: Subject;
let folder = '';
beforeAll(async () => {
  commandLine = await CommandLine.start();
  decoder = await QrDecoder.load();
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-qr-'));
  subject = await commandLine.enrolled();
  return () => rmSync(folder, { recursive: true, force: true });
});
afterAll(() => commandLine.close());

/** Does what an authenticator app does with a scanned code, and signs in with what it then shows. */
async function expectToSignInWith(uri: string): Promise<void> {
  const { protocol, host, pathname, searchParams } = new URL(uri);
  expect([protocol, host]).toEqual(['otpauth:', 'totp']);
  expect(decodeURIComponent(pathname)).toContain(subject.userName);
  const { clock } = commandLine.lifecycle;
  clock.advance(30_000);
  await commandLine.signIn(subject, subject.serialNumber(), codeAt(searchParams.get('secret') ?? '', clock.now()));
}

/** Reads the lines below a code, of characters of two pixels a dot. */
function linesIn({ width, height, data }: PNG): string[] {
  const isDark = (x: number, y: number) => data[(y * width + x) * 4] === 0;
  const darkRows = Array.from({ length: height }, (_, y) => y).filter((y) =>
    Array.from({ length: width }, (_, x) => x).some((x) => isDark(x, y)),
  );
  const codeEnds = Math.max(...darkRows.filter((y) => isDark(32, y) && isDark(33, y) && isDark(39, y)));
  const tops = darkRows.filter((y) => y > codeEnds && !darkRows.includes(y - 1));
  return tops.map((top) => {
    const columns = Array.from({ length: width }, (_, x) => {
      const dots = Array.from({ length: font.height }, (_dot, dot) => dot);
      return dots.reduce((bits, dot) => (isDark(x, top + dot * 2) ? bits | (1 << dot) : bits), 0);
    });
    const glyphs = font.lookup.map((_, place) => font.fontData.slice(place * font.width, (place + 1) * font.width));
    const advance = (font.width + 1) * 2;
    const read = (left: number) =>
      Array.from({ length: Math.floor((width - left) / advance) }, (_, place) => {
        const at = left + place * advance;
        const seen = Array.from({ length: font.width }, (_column, column) => columns[at + column * 2]);
        return font.lookup[glyphs.findIndex((glyph) => glyph.every((bits, column) => bits === seen[column]))] ?? '�';
      }).join('');
    // A character may begin with an empty column.
    const first = columns.findIndex((bits) => bits > 0);
    const lines = [first, first - 2, first - 4].map((left) => read(left).trim());
    return lines.find((line) => !line.includes('�')) ?? '';
  });
}

describe('virtual-mfa qr', () => {
  test('draws a code on a terminal that a phone can read', async () => {
    const { exitCode, output } = await commandLine.run(['qr', subject.userName]);

    expect(exitCode).toBe(0);
    await expectToSignInWith(await decoder.readText(output));
  });

  test('draws it for a terminal in the terminal’s own colours', async () => {
    const { output } = await commandLine.run(['qr', subject.userName], { isTerminal: true });

    expect(output).toContain('\u001b[');
  });

  test('writes a PNG that a phone can read, and that its owner alone can', async () => {
    const file = join(folder, 'bob.png');

    const { exitCode, output, messages } = await commandLine.run(['qr', subject.userName, '--png', file]);

    expect(exitCode).toBe(0);
    expect(output).toBe('');
    expect(messages).toBe(
      `The QR code of ${subject.serialNumber()} is in ${file}. It holds the seed: delete it once it is scanned.\n`,
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await expectToSignInWith(await decoder.readPng(readFileSync(file)));
  });

  test('writes an SVG that a phone can read', async () => {
    const file = join(folder, 'bob.svg');

    const { exitCode } = await commandLine.run(['qr', subject.serialNumber(), '--svg', file]);

    expect(exitCode).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await expectToSignInWith(await decoder.readSvg(readFileSync(file, 'utf8')));
  });

  test('says below the code whose it is, in the picture itself', async () => {
    const [png, svg] = [join(folder, 'bob.png'), join(folder, 'bob.svg')];

    await commandLine.run(['qr', subject.userName, '--png', png]);
    await commandLine.run(['qr', subject.userName, '--svg', svg]);

    const label = ['Amazon Web Services', `${subject.userName}@123456789012`];
    expect([...readFileSync(svg, 'utf8').matchAll(/<text [^>]*>(.*?)<\/text>/g)].map(([, line]) => line)).toEqual(
      label,
    );
    expect(linesIn(PNG.sync.read(readFileSync(png)))).toEqual(label);
  });

  test('prints the URI alone, of a secret given by its ARN', async () => {
    const { output } = await commandLine.run(['qr', subject.seedSecretArn, '--uri']);

    expect(output).toBe(`${(await subject.stored())?.otpauthUri ?? ''}\n`);
    await expectToSignInWith(output.trim());
  });

  test('prints JSON: with the URI, or with the file in its place', async () => {
    const file = join(folder, 'bob.png');
    const device = { userName: subject.userName, serialNumber: subject.serialNumber() };

    const onTerminal = await commandLine.run(['qr', subject.userName, '--json']);
    const inFile = await commandLine.run(['qr', subject.userName, '--json', '--png', file]);

    expect(JSON.parse(onTerminal.output)).toEqual({ ...device, otpauthUri: (await subject.stored())?.otpauthUri });
    expect(JSON.parse(inFile.output)).toEqual({ ...device, file });
  });

  test('writes over a file that its owner alone can read', async () => {
    const file = join(folder, 'bob.svg');
    writeFileSync(file, 'x'.repeat(100_000), { mode: 0o600 });

    const { exitCode } = await commandLine.run(['qr', subject.userName, '--svg', file]);

    expect(exitCode).toBe(0);
    await expectToSignInWith(await decoder.readSvg(readFileSync(file, 'utf8')));
  });

  test.each([[0o644], [0o640], [0o604], [0o620]])('refuses a file of mode %o, and leaves it as it is', async (mode) => {
    const file = join(folder, 'bob.svg');
    writeFileSync(file, 'somebody’s');
    chmodSync(file, mode);

    const { exitCode, messages } = await commandLine.run(['qr', subject.userName, '--svg', file]);

    expect(exitCode).toBe(7);
    expect(messages).toContain(`Others can read ${file} (mode 0${mode.toString(8)})`);
    expect(readFileSync(file, 'utf8')).toBe('somebody’s');
  });

  test('refuses a symbolic link, and makes nothing where it leads', async () => {
    const [link, elsewhere] = [join(folder, 'link.png'), join(folder, 'elsewhere.png')];
    symlinkSync(elsewhere, link);

    const { exitCode, messages } = await commandLine.run(['qr', subject.userName, '--png', link]);

    expect(exitCode).toBe(1);
    expect(messages).toContain(`${link} cannot be written: it is not a regular file.`);
    expect(existsSync(elsewhere)).toBe(false);
  });

  test('refuses to print into a file that others can read, before it reads the seed', async () => {
    const file = join(folder, 'uri.txt');
    const descriptor = openSync(file, 'w', 0o644);
    chmodSync(file, 0o644);
    const reads = commandLine.callsOf('secretsmanager:GetSecretValue');

    const { exitCode, output, messages } = await commandLine.run(['qr', subject.userName, '--uri'], {
      outputStats: () => fstatSync(descriptor),
    });

    expect(exitCode).toBe(7);
    expect(output).toBe('');
    expect(messages).toContain('After umask 077');
    expect(commandLine.callsOf('secretsmanager:GetSecretValue')).toBe(reads);
  });

  test.each([
    ['qr', 'a file', 'touch'],
    ['session', 'a file', 'touch'],
    ['qr', 'a FIFO', 'mkfifo'],
    ['session', 'a FIFO', 'mkfifo'],
  ])(
    'refuses to print into what another user owns, whatever its mode, before it reads the seed: %s, %s',
    async (name, _what, make) => {
      const file = join(folder, 'uri.txt');
      await execa(make, [file]);
      chmodSync(file, 0o600);
      const reads = commandLine.callsOf('secretsmanager:GetSecretValue');
      const uid = statSync(file).uid + 1;

      const { exitCode, output, messages } = await commandLine.run([name, subject.userName], {
        outputStats: () => Object.assign(statSync(file), { uid }),
      });

      expect({ exitCode, output }).toEqual({ exitCode: 7, output: '' });
      expect(messages).toContain(`Another user (uid ${uid}) owns the file that the output goes to`);
      expect(messages).toContain('Name a file that does not exist, or one of your own');
      expect(commandLine.callsOf('secretsmanager:GetSecretValue')).toBe(reads);
    },
  );

  test.each([['--png'], ['--svg']])(
    'refuses a file of another user, of mode 0600 too, and leaves it as it is: %s',
    async (option) => {
      const file = join(folder, 'of-another');
      writeFileSync(file, 'somebody’s', { mode: 0o600 });
      const { uid } = statSync(file);

      const { exitCode, messages } = await commandLine.run(['qr', subject.userName, option, file], { uid: uid + 1 });

      expect(exitCode).toBe(7);
      expect(messages).toContain(`Another user (uid ${uid}) owns ${file}`);
      expect(readFileSync(file, 'utf8')).toBe('somebody’s');
    },
  );

  test('takes one form of output, not two', async () => {
    const { exitCode, messages } = await commandLine.run(['qr', subject.userName, '--png', 'a', '--svg', 'b']);

    expect(exitCode).toBe(2);
    expect(messages).toContain("option '--png <file>' cannot be used with option '--svg <file>'");
  });
});
