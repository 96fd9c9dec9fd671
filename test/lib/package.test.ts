import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cdk } from '../../bin/cdk-command';
import { OLDEST_PEERS } from '../../scripts/package-all/oldest-peers';
import { startLocalAws } from 'local-aws';
import { checkTypes } from '../check-types';

const REPOSITORY = resolve(__dirname, '../..');

/** What the tests read of package.json. */
interface Manifest {
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
const MANIFEST = manifestIn(REPOSITORY);
const PEERS = Object.keys(OLDEST_PEERS) as (keyof typeof OLDEST_PEERS)[];

/** A project that has the integration test's aws-cdk-lib, which is the oldest that the package promises to work with. */
const INTEG = mkdtempSync(join(tmpdir(), 'virtual-mfa-integ-'));
const OLDEST = { modules: join(INTEG, 'node_modules'), versions: OLDEST_PEERS };
const NEWEST = { modules: join(REPOSITORY, 'node_modules'), versions: MANIFEST.devDependencies };

const CONSUMER_IN_JAVASCRIPT = `
const { App, Aspects, aws_iam: iam, Mixins, Shims, Stack } = require('aws-cdk-lib');
const { MfaEnforcementPolicy, VirtualMfa, VirtualMfaDevice } = require('cdk-iam-virtual-mfa');
const app = new App({ outdir: 'cdk.out' });
const stack = new Stack(app, 'Stack');
const bob = new iam.User(stack, 'Bob');
new VirtualMfaDevice(stack, 'BobMfa', { user: bob });
new iam.User(stack, 'Alice').with(new VirtualMfa());
new iam.User(stack, 'Carol');
Mixins.of(app).apply(new VirtualMfa());
new iam.User(stack, 'Dave');
Aspects.of(stack).add(Shims.asAspect(new VirtualMfa()));
new MfaEnforcementPolicy(stack, 'Enforcement', { users: [bob] });
app.synth();
`;

const CONSUMER_IN_TYPESCRIPT = `
import { App, Aspects, aws_iam as iam, Mixins, RemovalPolicy, Shims, Stack } from 'aws-cdk-lib';
import {
  type IVirtualMfaDevice,
  MfaEnforcementPolicy,
  VirtualMfa,
  VirtualMfaDevice,
  type VirtualMfaDeviceOptions,
  type VirtualMfaDeviceProps,
} from 'cdk-iam-virtual-mfa';

const stack = new Stack(new App(), 'Stack');
const user: iam.IUserRef = new iam.User(stack, 'Bob');
const options: VirtualMfaDeviceOptions = { issuer: 'Example Corp', removalPolicy: RemovalPolicy.RETAIN };
const props: VirtualMfaDeviceProps = { user, ...options };
const device: IVirtualMfaDevice = new VirtualMfaDevice(stack, 'BobMfa', props);
export const reference: iam.IVirtualMFADeviceRef = device;
export const serialNumber: string = VirtualMfaDevice.fromSerialNumber(stack, 'Other', device.serialNumber).serialNumber;
Mixins.of(stack).apply(new VirtualMfa(options));
Aspects.of(stack).add(Shims.asAspect(new VirtualMfa()));
new iam.User(stack, 'Alice').with(new VirtualMfa()).node.addDependency(device);
export const policy: iam.IManagedPolicy = new MfaEnforcementPolicy(stack, 'Enforcement', {
  users: [user],
  groups: [new iam.Group(stack, 'Operators')],
});
// @ts-expect-error a device is nobody's without a user
new VirtualMfaDevice(stack, 'Nobodys', {});
`;

/** Where the package is packed once, as it would be published. */
const packed = mkdtempSync(join(tmpdir(), 'virtual-mfa-packed-'));
let tarball = '';
let packedFiles: string[] = [];
let integ: { readonly exitCode?: number; readonly all: string };

beforeAll(async () => {
  await execa('npm', ['run', '--silent', 'build:lib'], { cwd: REPOSITORY });
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', packed];
  const { stdout } = await execa('npm', pack, { cwd: REPOSITORY });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  tarball = join(packed, filename);
  packedFiles = files.map(({ path }) => path);
  const verify = ['--import', 'tsx', 'scripts/integ.ts', 'verify', tarball, INTEG];
  integ = await execa(process.execPath, verify, { cwd: REPOSITORY, stdin: 'ignore', all: true, reject: false });
});

afterAll(() => {
  for (const folder of [packed, INTEG]) rmSync(folder, { recursive: true, force: true });
});

describe('the packed package', () => {
  test('holds the library, its jsii assembly and API, the wire contract, the bundles, the licences, documents and examples', () => {
    expect(packedFiles).toEqual(
      expect.arrayContaining([
        'package.json',
        '.jsii',
        'API.md',
        'LICENSE',
        'dist/THIRD-PARTY-LICENSES.txt',
        'dist/sbom.cdx.json',
        'dist/lib/index.js',
        'dist/lib/index.d.ts',
        'dist/lib/virtual-mfa-device.js',
        'dist/lib/private/virtual-mfa-device-provider.js',
        'dist/lambda/contract/property-rules.js',
        'dist/handler/index.js',
        'dist/bin/virtual-mfa.js',
        'dist/bin/virtual-mfa-program.js',
        'dist/bin/virtual-mfa-app.js',
        'bin/mfa-users.schema.json',
        'docs/runbook.md',
        'docs/architecture.svg',
        'examples/one-user.ts',
        'examples/robot.yml',
        'examples/python/app.py',
        'examples/python/one_user.py',
        'examples/java/src/main/java/com/example/OneUser.java',
        'examples/java/src/main/java/com/example/TeamApp.java',
        'examples/go/one-user/main.go',
        'examples/go/team.go',
      ]),
    );
  });

  test('holds nothing else but documents and examples: no source, no test, no local-aws', () => {
    const expected =
      /^(?:package\.json|\.jsii|README\.md|LICENSE|API\.md|CHANGELOG\.md|SECURITY\.md|dist\/(?:code-function\.)?THIRD-PARTY-LICENSES\.txt|dist\/sbom\.cdx\.json|dist\/(?:handler|code-function)\/index\.js|dist\/bin\/[\w-]+\.(?:js|THIRD-PARTY-LICENSES\.txt)|bin\/mfa-users\.schema\.json|dist\/lambda\/contract\/(?:own-tags|properties|property-rules|serial-number|watch)\.(?:js|d\.ts)|dist\/lib\/[\w/-]+\.(?:js|d\.ts)|docs\/[\w-]+\.(?:md|svg)|examples\/[\w/-]+\.(?:ts|yml|json|py|txt|xml|java|go|mod))$/;

    expect(packedFiles.filter((path) => !expected.test(path))).toEqual([]);
  });

  test('runs nothing when it is installed', () => {
    expect(Object.keys(MANIFEST.scripts)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(?:pre|post)?(?:install|prepare)$/)]),
    );
  });

  test('has no dependency that would be installed beside its peers', () => {
    expect(MANIFEST).not.toHaveProperty('dependencies');
    expect(PEERS).toEqual(['aws-cdk-lib', 'constructs']);
  });

  test.each([
    [
      'handler’s bundle',
      'dist/THIRD-PARTY-LICENSES.txt',
      ['@aws-sdk/client-iam', '@aws-sdk/client-secrets-manager', '@smithy/core', '@otplib/core', 'bowser'],
    ],
    [
      'command virtual-mfa',
      'dist/bin/virtual-mfa-program.THIRD-PARTY-LICENSES.txt',
      ['@aws-sdk/client-sts', 'commander', 'cli-progress', 'cli-table3', 'oled-font-5x7', 'qrcode', '@otplib/core'],
    ],
    ['command virtual-mfa-app', 'dist/bin/virtual-mfa-app.THIRD-PARTY-LICENSES.txt', ['ajv', 'jsonc-parser']],
  ])('gives the licence of every package in the %s', (_what, file, bundled) => {
    const notices = readFileSync(join(REPOSITORY, file), 'utf8');

    for (const name of bundled) {
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((?:Apache-2\\.0|MIT)\\)$`, 'm'));
    }
    expect(notices).toContain('Permission is hereby granted, free of charge');
    expect(notices).not.toMatch(/\((?:A?GPL|LGPL|SSPL|undefined)/);
  });

  test('has an API reference that is the library’s: npm run docs:api brings it up to date', async () => {
    const current = join(packed, 'API.md');
    const docgen = join(REPOSITORY, 'node_modules/.bin/jsii-docgen');
    await execa(docgen, ['-o', current], { cwd: REPOSITORY });

    expect(readFileSync(join(REPOSITORY, 'API.md'), 'utf8')).toBe(readFileSync(current, 'utf8'));
  });
});

test('the integration test for a real account would deploy what its snapshot shows', () => {
  expect(integ.all).toMatch(/UNCHANGED +integ\.virtual-mfa-device/);
  expect(integ.exitCode).toBe(0);
});

describe.each([
  ['the oldest aws-cdk-lib that it takes', OLDEST],
  ['the newest aws-cdk-lib that it was tried with', NEWEST],
])('installed from its tarball, with %s', (_which, { modules, versions }) => {
  /** A bare project: no bundler, no CLI, nothing but the package and its peers. */
  const project = mkdtempSync(join(tmpdir(), 'virtual-mfa-consumer-'));
  const appIn = async (directory: string) =>
    execa(process.execPath, ['app.js'], { cwd: directory, env: { PATH: '/nowhere' }, extendEnv: false, reject: false });

  beforeAll(async () => {
    writeFileSync(join(project, 'package.json'), '{}');
    // Links the peers, which are large; it refuses those that the package does not take.
    const peers = PEERS.map((peer) => join(modules, peer));
    const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball, ...peers];
    await execa('npm', install, { cwd: project, stdin: 'ignore' });
    for (const peer of PEERS) {
      const { version } = manifestIn(join(project, 'node_modules', peer));
      expect(version).toBe(versions[peer]);
    }
    writeFileSync(join(project, 'app.js'), CONSUMER_IN_JAVASCRIPT);
  });

  afterAll(() => rmSync(project, { recursive: true, force: true }));

  test('it synthesizes in a plain JavaScript app, with no bundler and no Docker in reach', async () => {
    const { stderr } = await appIn(project);

    expect(stderr).toBe('');
    const template = readFileSync(join(project, 'cdk.out/Stack.template.json'), 'utf8');
    expect(template.match(/"Custom::IAMVirtualMFADevice"/g)).toHaveLength(4);
    const [, asset] = /"S3Key": "(\w+)\.zip"/.exec(template) ?? [];
    expect(existsSync(join(project, `cdk.out/asset.${asset}/index.js`))).toBe(true);
  });

  test('the real CDK CLI deploys what that app synthesized', async () => {
    const localAws = await startLocalAws({ describesStacksAtRest: true });
    try {
      const { exitCode, output } = await cdk(
        ['deploy', '--app', join(project, 'cdk.out'), '--require-approval', 'never'],
        { environment: localAws.environment },
      );

      expect(exitCode, output).toBe(0);
      const users = localAws.iam.users.all().map(({ name }) => localAws.iam.devicesOf(name).length);
      expect(users).toEqual([1, 1, 1, 1]);
      const list = ['--no-install', 'virtual-mfa', 'list', '--stack', 'Stack', '--json'];
      const { stdout } = await execa('npx', list, { cwd: project, env: localAws.environment });
      expect(JSON.parse(stdout)).toHaveLength(4);
    } finally {
      await localAws.close();
    }
  });

  test('its commands print a sample document, and synthesize the users of it', async () => {
    const run = async (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
      execa(join(project, 'node_modules/.bin', command), args, { cwd: project, env });

    const { stdout: skeleton } = await run('virtual-mfa', ['skeleton']);
    writeFileSync(join(project, 'mfa-users.json'), skeleton);
    const { $schema } = JSON.parse(readFileSync(join(project, 'mfa-users.json'), 'utf8')) as { $schema: string };
    const outdir = join(project, 'cdk.out.of-users');
    await run('virtual-mfa-app', [], { CI: '', CDK_OUTDIR: outdir });

    expect(existsSync(join(project, $schema))).toBe(true);
    const template = readFileSync(join(outdir, 'VirtualMfaStack.template.json'), 'utf8');
    expect(template.match(/"Custom::IAMVirtualMFADevice"/g)).toHaveLength(2);
  });

  test('it type-checks in a TypeScript app, without skipping the declarations', async () => {
    writeFileSync(join(project, 'app.ts'), CONSUMER_IN_TYPESCRIPT);

    const { files, errors } = await checkTypes(project, {
      compilerOptions: {
        target: 'es2022',
        module: 'node16',
        strict: true,
        typeRoots: [join(REPOSITORY, 'node_modules/@types')],
        types: ['node'],
      },
      files: ['app.ts'],
    });

    expect(errors).toEqual([]);
    const installed = realpathSync(join(project, 'node_modules/cdk-iam-virtual-mfa/dist/lib'));
    expect(files).toEqual(
      expect.arrayContaining(['index.d.ts', 'virtual-mfa-device.d.ts'].map((file) => join(installed, file))),
    );
  });

  test('without its bundle it says how to make it', async () => {
    const bundle = join(project, 'node_modules/cdk-iam-virtual-mfa/dist/handler');
    rmSync(bundle, { recursive: true });
    const { stderr } = await appIn(project);

    expect(stderr).toContain("the handler's bundle is missing, looked for index.js in ");
    expect(stderr).toContain('run `npm run build:handler`');
  });
});

function manifestIn(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
}
