import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cdk } from '../../bin/cdk-command';
import { startLocalAws } from '../../local-aws';

const REPOSITORY = resolve(__dirname, '../..');

const CONSUMER_IN_JAVASCRIPT = `
const { App, Stack, aws_iam: iam } = require('aws-cdk-lib');
const { VirtualMfaDevice } = require('cdk-iam-virtual-mfa');
const app = new App({ outdir: 'cdk.out' });
const stack = new Stack(app, 'Stack');
new VirtualMfaDevice(stack, 'BobMfa', { user: new iam.User(stack, 'Bob') });
app.synth();
`;

const CONSUMER_IN_TYPESCRIPT = `
import { App, aws_iam as iam, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type IVirtualMfaDevice, VirtualMfaDevice, type VirtualMfaDeviceProps } from 'cdk-iam-virtual-mfa';

const stack = new Stack(new App(), 'Stack');
const user: iam.IUserRef = new iam.User(stack, 'Bob');
const props: VirtualMfaDeviceProps = { user, issuer: 'Example Corp', removalPolicy: RemovalPolicy.RETAIN };
const device: IVirtualMfaDevice = new VirtualMfaDevice(stack, 'BobMfa', props);
export const reference: iam.IVirtualMFADeviceRef = device;
export const serialNumber: string = VirtualMfaDevice.fromSerialNumber(stack, 'Other', device.serialNumber).serialNumber;
// @ts-expect-error a device is nobody's without a user
new VirtualMfaDevice(stack, 'Nobodys', {});
`;

/** A project that has aws-cdk-lib, constructs and the packed package, and nothing else. */
const project = mkdtempSync(join(tmpdir(), 'virtual-mfa-consumer-'));
let packedFiles: string[] = [];

beforeAll(() => {
  execFileSync('npm', ['run', '--silent', 'build:lib'], { cwd: REPOSITORY, stdio: 'pipe' });
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: REPOSITORY,
    encoding: 'utf8',
    stdio: 'pipe',
  });
  const [{ filename, files }] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
  packedFiles = files.map(({ path }) => path);
  const installed = join(project, 'node_modules/cdk-iam-virtual-mfa');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['xzf', join(project, filename), '--strip-components=1', '-C', installed]);
  for (const peer of ['aws-cdk-lib', 'constructs']) {
    symlinkSync(join(REPOSITORY, 'node_modules', peer), join(project, 'node_modules', peer));
  }
  writeFileSync(join(project, 'package.json'), '{}');
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('the packed package', () => {
  test('holds the library, the wire contract and the handler’s bundle', () => {
    expect(packedFiles).toEqual(
      expect.arrayContaining([
        'package.json',
        'dist/lib/index.js',
        'dist/lib/index.d.ts',
        'dist/lib/virtual-mfa-device.js',
        'dist/lib/private/virtual-mfa-device-provider.js',
        'dist/lambda/contract.js',
        'dist/handler/index.js',
      ]),
    );
  });

  test('holds nothing else: no source, no test, no local-aws', () => {
    const expected =
      /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|dist\/handler\/index\.js|dist\/lambda\/contract\.(?:js|d\.ts)|dist\/lib\/[\w/-]+\.(?:js|d\.ts))$/;

    expect(packedFiles.filter((path) => !expected.test(path))).toEqual([]);
  });

  test('has no dependency that would be installed beside its peers', () => {
    const manifest = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as Record<string, unknown>;

    expect(manifest).not.toHaveProperty('dependencies');
    expect(Object.keys(manifest.peerDependencies as object)).toEqual(['aws-cdk-lib', 'constructs']);
  });

  test('synthesizes a device in a plain JavaScript app, with no bundler and no Docker in reach', () => {
    writeFileSync(join(project, 'app.js'), CONSUMER_IN_JAVASCRIPT);
    const app = spawnSync(process.execPath, ['app.js'], {
      cwd: project,
      env: { PATH: '/nowhere' },
      encoding: 'utf8',
    });

    expect(app.stderr).toBe('');
    const template = readFileSync(join(project, 'cdk.out/Stack.template.json'), 'utf8');
    expect(template).toContain('Custom::IAMVirtualMFADevice');
    const [, asset] = /"S3Key": "(\w+)\.zip"/.exec(template) ?? [];
    expect(existsSync(join(project, `cdk.out/asset.${asset}/index.js`))).toBe(true);
  });

  test('deploys what that app synthesized, with the real CDK CLI', async () => {
    const localAws = await startLocalAws();
    try {
      const { exitCode, output } = await cdk(
        ['deploy', '--app', join(project, 'cdk.out'), '--require-approval', 'never'],
        { environment: localAws.environment, output: 'result' },
      );

      expect(exitCode, output).toBe(0);
      const [user] = localAws.iam.users.all();
      expect(localAws.iam.devicesOf(user?.name ?? '')).toHaveLength(1);
    } finally {
      await localAws.close();
    }
  }, 120_000);

  test('type-checks in a TypeScript app, without skipping the declarations', () => {
    writeFileSync(join(project, 'app.ts'), CONSUMER_IN_TYPESCRIPT);
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          target: 'ES2022',
          module: 'node16',
          strict: true,
          noEmit: true,
          typeRoots: [join(REPOSITORY, 'node_modules/@types')],
          types: ['node'],
        },
        files: ['app.ts'],
      }),
    );
    const compiler = spawnSync(process.execPath, [join(REPOSITORY, 'node_modules/typescript/bin/tsc')], {
      cwd: project,
      encoding: 'utf8',
    });

    expect(compiler.stdout).toBe('');
    expect(compiler.status).toBe(0);
  }, 120_000);
});

test('without its bundle the package says how to make it', () => {
  const incomplete = mkdtempSync(join(tmpdir(), 'virtual-mfa-incomplete-'));
  try {
    mkdirSync(join(incomplete, 'node_modules'));
    for (const peer of ['aws-cdk-lib', 'constructs']) {
      symlinkSync(join(REPOSITORY, 'node_modules', peer), join(incomplete, 'node_modules', peer));
    }
    execFileSync('cp', ['-r', join(project, 'node_modules/cdk-iam-virtual-mfa'), join(incomplete, 'node_modules')]);
    rmSync(join(incomplete, 'node_modules/cdk-iam-virtual-mfa/dist/handler'), { recursive: true });
    writeFileSync(join(incomplete, 'app.js'), CONSUMER_IN_JAVASCRIPT);
    const app = spawnSync(process.execPath, ['app.js'], {
      cwd: incomplete,
      encoding: 'utf8',
    });

    expect(app.stderr).toContain("the handler's bundle is missing, looked for index.js in ");
    expect(app.stderr).toContain('run `npm run build:handler`');
  } finally {
    rmSync(incomplete, { recursive: true, force: true });
  }
});
