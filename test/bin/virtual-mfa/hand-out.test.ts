import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { codeAt } from '../../../lambda/contract/authentication-codes';
import { LOGICAL_ID_TAG, SEED_VERSION_TAG, STACK_ID_TAG, USER_NAME_TAG } from '../../../lambda/contract/own-tags';
import { seedVersionId } from '../../../lambda/contract/seed-version';
import { storedSeedOf } from '../../../lambda/contract/stored-seed';
import { handOutPage } from '../../../bin/virtual-mfa/hand-out-page';
import { KNOWN_SEED, STACK_ID, tagsByCloudFormation } from '../../lambda/handler-stack';
import type { Subject } from '../../lambda/subject';
import { isInstalled } from '../../../local-aws/test/programs';
import { CommandLine, type MachineOptions } from './command-line';
import { QrDecoder } from './qr-decoder';

const ACCOUNT = '123456789012';
/** Debian's, or one that is called so. */
const CHROMIUM = ['chromium', 'google-chrome'].find(isInstalled);

let commandLine: CommandLine;
let decoder: QrDecoder;
let folder = '';
beforeAll(async () => {
  commandLine = await CommandLine.start();
  decoder = await QrDecoder.load();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-hand-out-'));
  commandLine.lifecycle.aws.iam.accountAlias = undefined;
  return () => rmSync(folder, { recursive: true, force: true });
});
afterAll(() => commandLine.close());

async function pageOf(subject: Subject, ...args: readonly string[]): Promise<string> {
  const file = join(folder, 'page.html');
  const { exitCode, output, messages } = await commandLine.run(['qr', subject.userName, '--html', file, ...args]);
  expect({ exitCode, output }).toEqual({ exitCode: 0, output: '' });
  expect(messages).toContain(`The QR code of ${subject.serialNumber()} is in ${file}. It holds the seed`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  return readFileSync(file, 'utf8');
}

/** Signs in as somebody who scanned the code. */
async function signInWith(uri: string, subject: Subject): Promise<void> {
  const { clock } = commandLine.lifecycle;
  clock.advance(30_000);
  const seed = new URL(uri).searchParams.get('secret') ?? '';
  await commandLine.signIn(subject, subject.serialNumber(), codeAt(seed, clock.now()));
}

function svgIn(html: string): string {
  return /<svg.*<\/svg>/s.exec(html)?.[0] ?? '';
}

describe('virtual-mfa qr --html', () => {
  test('writes a page with all that its reader needs, and a code that signs in', async () => {
    const subject = await commandLine.enrolled({ Issuer: 'Fish & Chips' });
    const { seed = '' } = (await subject.stored()) ?? {};

    const html = await pageOf(subject);

    expect(html).toContain(`<td>${subject.userName}</td>`);
    expect(html).toContain(`<td>${ACCOUNT}</td>`);
    expect(html).toContain('<td>Fish &amp; Chips</td>');
    expect(html).toContain(`<td>… ${subject.serialNumber().slice(-4)}</td>`);
    expect(html).not.toContain(subject.serialNumber());
    expect(html).toContain(`<td>https://${ACCOUNT}.signin.aws.amazon.com/console</td>`);
    expect(html).toContain('Destroy this page after scanning');
    expect(html.match(/<li>/g)).toHaveLength(3);
    const [, key = ''] = /<code>(.*)<\/code>/.exec(html) ?? [];
    expect(key).toMatch(/^([A-Z2-7]{4} )+[A-Z2-7]{1,4}$/);
    expect(key.replaceAll(' ', '')).toBe(seed);
    await signInWith(await decoder.readSvg(svgIn(html)), subject);
  });

  test('names the account by its alias, where there is one and the caller may know', async () => {
    const subject = await commandLine.enrolled();
    await subject.administrate('iam', 'CreateAccountAlias', { AccountAlias: 'fish-and-chips' });
    const key = await commandLine.keyOfOperator(
      'without-alias',
      { Effect: 'Allow', Action: ['iam:ListMFA*', 'secretsmanager:*'], Resource: '*' },
      { Effect: 'Deny', Action: 'iam:ListAccountAliases', Resource: '*' },
    );

    const html = await pageOf(subject);
    const { exitCode } = await commandLine.run(
      ['qr', subject.userName, '--html', join(folder, 'denied.html')],
      {},
      key,
    );

    expect(html).toContain(`<td>fish-and-chips (${ACCOUNT})</td>`);
    expect(html).toContain('<td>https://fish-and-chips.signin.aws.amazon.com/console</td>');
    expect(exitCode).toBe(0);
    expect(readFileSync(join(folder, 'denied.html'), 'utf8')).toContain(`<td>${ACCOUNT}</td>`);
  });

  test('loads nothing: no script, no link, no picture, and a policy that forbids them', async () => {
    const html = await pageOf(await commandLine.enrolled());

    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(html).not.toMatch(/<(?:script|link|img|iframe|object|a)\b|\b(?:src|href|url)\s*[=(]/i);
  });

  test.each([
    ['aws-cn', 'signin.amazonaws.cn'],
    ['aws-us-gov', 'signin.amazonaws-us-gov.com'],
  ])('knows where people of the partition %s sign in', async (partition, domain) => {
    const serialNumber = `arn:${partition}:iam::${ACCOUNT}:mfa/Bob`;
    const owner = { serialNumber, userName: 'Bob', issuer: 'x', accountId: ACCOUNT };

    const html = await handOutPage(storedSeedOf(owner, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'), undefined);

    expect(html).toContain(`<td>https://${ACCOUNT}.${domain}/console</td>`);
  });

  test('makes no element of what a secret says', async () => {
    const owner = {
      serialNumber: `arn:aws:iam::${ACCOUNT}:mfa/B`,
      userName: 'B',
      issuer: '<b>x</b>',
      accountId: ACCOUNT,
    };

    const html = await handOutPage(storedSeedOf(owner, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'), '<script>');

    expect(html).not.toMatch(/<b>|<script/);
  });

  test.skipIf(CHROMIUM === undefined)(
    'prints on one sheet, and from the screen its code is scanned and signs in (needs chromium on the PATH)',
    async () => {
      const subject = await commandLine.enrolled({ Issuer: 'Amazon Web Services of the Longest Department Name' });
      await pageOf(subject);
      const [page, pdf, picture] = ['page.html', 'page.pdf', 'page.png'].map((name) => join(folder, name));

      await chromium(`--print-to-pdf=${pdf}`, `file://${page}`);
      await chromium(`--screenshot=${picture}`, '--window-size=1000,1400', `file://${page}`);

      expect(readFileSync(pdf ?? '', 'latin1').match(/\/Type\s*\/Page\b/g)).toHaveLength(1);
      await signInWith(await decoder.readPng(readFileSync(picture ?? '')), subject);
    },
  );

  async function chromium(...args: readonly string[]): Promise<void> {
    const profile = join(folder, 'profile');
    // Root has no sandbox of Chromium's; the page is the test's own.
    const options = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`];
    await execa(CHROMIUM ?? '', [...options, ...args]);
  }
});

describe('virtual-mfa qr --stack --out-dir', () => {
  let subjects: Subject[] = [];
  beforeAll(async () => {
    subjects = [await commandLine.enrolled(), await commandLine.enrolled()];
  });

  test('writes a page for each user, each with one seed, which others cannot open', async () => {
    const directory = join(folder, 'pages');
    const { calls } = commandLine.lifecycle.aws.account;
    const before = calls.length;

    const { exitCode, output, messages } = await commandLine.run(['qr', '--stack', 'users', '--out-dir', directory]);

    const files = readdirSync(directory);
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: '' });
    expect(messages).toBe(
      `${files.length} pages are in ${directory}. Each holds a seed: delete it once it is scanned.\n`,
    );
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const subject of subjects) {
      const file = join(directory, `${subject.userName}.html`);
      const html = readFileSync(file, 'utf8');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(html.match(/<svg/g)).toHaveLength(1);
      await signInWith(await decoder.readSvg(svgIn(html)), subject);
      for (const other of subjects.filter((of) => of !== subject)) {
        expect(html.replaceAll(' ', '')).not.toContain((await other.stored())?.seed);
      }
    }
    const iam = calls.after(before).filter(({ source, action }) => source === 'http' && action.startsWith('iam:'));
    expect(iam.map(({ action }) => action).sort()).toEqual(['iam:ListAccountAliases', 'iam:ListVirtualMFADevices']);
  });

  test('draws a bar for a person who watches, and prints the files as JSON', async () => {
    const directory = join(folder, 'pages');

    const { output, messages } = await commandLine.run(['qr', '--stack', 'users', '--out-dir', directory, '--json'], {
      isTerminal: true,
    });

    const [subject] = subjects;
    expect(messages).toMatch(/\d+ of \d+ pages/);
    expect(JSON.parse(output)).toContainEqual({
      userName: subject?.userName,
      serialNumber: subject?.serialNumber(),
      file: join(directory, `${subject?.userName ?? ''}.html`),
    });
  });

  test('writes no page for a device that is not enabled, names its user, and ends with 1', async () => {
    const subject = await commandLine.enrolled();
    await subject.deactivate();
    const directory = join(folder, 'pages');

    const { exitCode, messages } = await commandLine.run(['qr', '--stack', 'users', '--out-dir', directory]);

    expect(exitCode).toBe(1);
    expect(messages).toContain(`No page for ${subject.userName}: its state is "deactivated"`);
    expect(messages).toMatch(new RegExp(`1 of \\d+ devices got no page: ${subject.userName}\\.`));
    expect(readdirSync(directory)).toContain(`${subjects[0]?.userName ?? ''}.html`);
    expect(readdirSync(directory)).not.toContain(`${subject.userName}.html`);
    await remove(subject);
  });

  test.each<[what: string, make: (directory: string) => unknown, exitCode: number, options?: MachineOptions]>([
    ['others can open it', (directory) => mkdirSync(directory, { mode: 0o750 }), 7],
    ['it is another’s', (directory) => mkdirSync(directory, { mode: 0o700 }), 7, { uid: 4711 }],
    ['it is a link', linkToPrivateDirectory, 1],
  ])(
    'refuses a directory before it reads a seed, also with a slash at its end: %s',
    async (_what, make, code, options) => {
      const directory = join(folder, 'pages');
      make(directory);
      const reads = commandLine.callsOf('secretsmanager:GetSecretValue');

      for (const path of [directory, `${directory}/`, `${directory}/.`]) {
        const { exitCode, messages } = await commandLine.run(['qr', '--stack', 'users', '--out-dir', path], options);

        expect(exitCode).toBe(code);
        expect(messages).toContain(directory);
      }
      expect(readdirSync(directory)).toEqual([]);
      expect(commandLine.callsOf('secretsmanager:GetSecretValue')).toBe(reads);
    },
  );

  function linkToPrivateDirectory(directory: string): void {
    mkdirSync(join(folder, 'private'), { mode: 0o700 });
    symlinkSync(join(folder, 'private'), directory);
  }

  test('gives each device a file of its own, whatever devices and users are called', async () => {
    const [bob, alice] = subjects as [Subject, Subject];
    const deleteSecond = await secondDevice(alice, `/b/${bob.userName}`);
    const directory = join(folder, 'pages');

    const { exitCode } = await commandLine.run(['qr', '--stack', 'users', '--out-dir', directory]);

    expect(exitCode).toBe(0);
    const pageIn = (name: string) => readFileSync(join(directory, `${name}.html`), 'utf8');
    expect(pageIn(bob.userName)).toContain(`<h1>MFA device of ${bob.userName}</h1>`);
    expect(pageIn(`${alice.userName}~${bob.userName}`)).toContain(`<h1>MFA device of ${alice.userName}</h1>`);
    const [, firstName] = alice.serialNumber().split('/');
    expect(pageIn(`${alice.userName}~${firstName}`)).toContain(`… ${alice.serialNumber().slice(-4)}`);
    await deleteSecond();
  });

  test('writes no page over another: of two devices whose names differ in case alone, one gets none', async () => {
    const [, alice] = subjects as [Subject, Subject];
    const name = alice.serialNumber().split('/').at(-1) ?? '';
    const deleteSecond = await secondDevice(alice, `/other/${name.toUpperCase()}`);
    const directory = join(folder, 'pages');

    const { exitCode, messages } = await commandLine.run(['qr', '--stack', 'users', '--out-dir', directory]);

    expect(exitCode).toBe(1);
    expect(messages).toContain(`No page for ${alice.userName}: `);
    expect(messages).toContain('The page of another device has the same file name');
    const names = readdirSync(directory).filter((file) => file.startsWith(`${alice.userName}~`));
    expect(names).toHaveLength(1);
    await deleteSecond();
  });

  test.each<[what: string, why: string, spoil: (subject: Subject, directory: string) => unknown]>([
    ['a secret without a seed', 'holds no seed of a device', overwriteSeed],
    ['a link in the place of its file', 'it is not a regular file', linkInPlaceOfPage],
  ])('goes on with the others where a device has %s, and says which has no page', async (_what, why, spoil) => {
    const spoilt = await commandLine.enrolled();
    const directory = join(folder, 'pages');
    mkdirSync(directory, { mode: 0o700 });
    await spoil(spoilt, directory);

    const inWords = await commandLine.run(['qr', '--stack', 'users', '--out-dir', directory]);
    const asJson = await commandLine.run(['qr', '--stack', 'users', '--out-dir', directory, '--json']);

    expect([inWords.exitCode, asJson.exitCode]).toEqual([1, 1]);
    expect(inWords.messages).toMatch(/^\d+ pages are in /);
    expect(inWords.messages).toMatch(new RegExp(`^No page for ${spoilt.userName}: .*${why}`, 'm'));
    expect(inWords.messages).toMatch(new RegExp(`1 of \\d+ devices got no page: ${spoilt.userName}\\.`));
    const reports = JSON.parse(asJson.output) as Record<string, unknown>[];
    expect(reports.find(({ userName }) => userName === spoilt.userName)).toEqual({
      userName: spoilt.userName,
      serialNumber: spoilt.serialNumber(),
      problem: expect.stringContaining(why) as string,
    });
    for (const { userName } of subjects) {
      expect(readFileSync(join(directory, `${userName}.html`), 'utf8')).toContain(`MFA device of ${userName}`);
    }
    expect(existsSync(join(folder, 'elsewhere')) ? readFileSync(join(folder, 'elsewhere'), 'utf8') : '').toBe('');
    await remove(spoilt);
  });

  /** Takes a resource out of the stack. */
  async function remove(subject: Subject): Promise<void> {
    await subject.delete();
    await deleteSecret(subject, subject.seedSecretArn);
  }

  async function deleteSecret(subject: Subject, SecretId: unknown): Promise<void> {
    await subject.administrate('secretsmanager', 'DeleteSecret', { SecretId, ForceDeleteWithoutRecovery: true });
  }

  /** Writes a value under a version of the device's, so that the list says nothing of it. */
  async function overwriteSeed(subject: Subject): Promise<void> {
    await subject.administrate('secretsmanager', 'PutSecretValue', {
      SecretId: subject.seedSecretArn,
      ClientRequestToken: seedVersionId('20260115T130007Z', randomUUID(), subject.serialNumber()),
      SecretString: 'forged',
    });
  }

  function linkInPlaceOfPage({ userName }: Subject, directory: string): void {
    writeFileSync(join(folder, 'elsewhere'), '', { mode: 0o600 });
    symlinkSync(join(folder, 'elsewhere'), join(directory, `${userName}.html`));
  }

  /** Another device of a user, of another resource of the stack; @returns what deletes it */
  async function secondDevice(subject: Subject, pathAndName: string): Promise<() => Promise<void>> {
    const serialNumber = `arn:aws:iam::${ACCOUNT}:mfa${pathAndName}`;
    const versionId = seedVersionId('20260115T120007Z', randomUUID(), serialNumber);
    const resource: [string, string][] = [
      [STACK_ID_TAG, STACK_ID],
      [LOGICAL_ID_TAG, 'Second'],
    ];
    const tags: [string, string][] = [...resource, [SEED_VERSION_TAG, versionId]];
    subject.foreignDevice(serialNumber, { enabledFor: subject.userName, tags });
    const owner = { serialNumber, userName: subject.userName, issuer: 'x', accountId: ACCOUNT };
    const { ARN: SecretId } = await subject.administrate('secretsmanager', 'CreateSecret', {
      Name: `second-${randomUUID()}`,
      ClientRequestToken: versionId,
      SecretString: JSON.stringify(storedSeedOf(owner, KNOWN_SEED)),
      Tags: [
        ...[...resource, [USER_NAME_TAG, subject.userName]].map(([Key, Value]) => ({ Key, Value })),
        ...tagsByCloudFormation('SecondSeed'),
      ],
    });
    return async () => {
      subject.aws.iam.virtualMfaDevices.delete(serialNumber);
      await deleteSecret(subject, SecretId);
    };
  }

  test.each([
    [['--stack', 'users']],
    [['--out-dir', 'pages']],
    [['Bob', '--stack', 'users', '--out-dir', 'pages']],
    [['--stack', 'users', '--out-dir', 'pages', '--uri']],
    [[]],
  ])('does not take %j', async (args) => {
    expect((await commandLine.run(['qr', ...args])).exitCode).toBe(2);
  });
});
