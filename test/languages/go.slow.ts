import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GO } from '../../scripts/package-all/languages';
import { installWithOldestPeers } from '../../scripts/package-all/oldest-peers';
import { describeIn, OLDEST, PACKAGES, ROOT, TARBALL, Team, templateOfTypeScript } from './team';

const CDK = 'github.com/aws/aws-cdk-go/awscdk/v2';
const MODULE = 'github.com/cdk-iam-virtual-mfa/cdk-iam-virtual-mfa-go/cdkiamvirtualmfa';
const SOURCES = join(PACKAGES, 'go/cdkiamvirtualmfa');

/** To compile aws-cdk-lib takes most of the time, and takes less without optimizations. */
const UNOPTIMIZED = '-gcflags=all=-N -l';

/** What an app in Go hears of the library, beyond its template. */
const CONVERSATION = `
package main

import (
	"fmt"

	cdk "github.com/aws/aws-cdk-go/awscdk/v2"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
	virtualmfa "${MODULE}"
)

func main() {
	defer jsii.Close()
	stack := cdk.NewStack(cdk.NewApp(nil), jsii.String("Team"), nil)
	robot := iam.NewUser(stack, jsii.String("Robot"), nil)
	bob := iam.NewUser(stack, jsii.String("Bob"), nil)
	virtualmfa.VirtualMfa_Exclude(robot)
	virtualmfa.VirtualMfa_Configure(bob, &virtualmfa.VirtualMfaDeviceOptions{RotationId: jsii.String("2026-01")})
	stack.With(virtualmfa.NewVirtualMfa(nil))
	fmt.Println("Robot:", virtualmfa.VirtualMfa_DeviceOf(robot))
	fmt.Println("Bob:", *virtualmfa.VirtualMfa_DeviceOf(bob).Node().Path())
	defer func() { fmt.Println("panic:", recover()) }()
	virtualmfa.NewVirtualMfaDevice(stack, jsii.String("Mfa"), &virtualmfa.VirtualMfaDeviceProps{
		User:   robot,
		Issuer: jsii.String("Secret: 1234"),
	})
}
`;

describeIn(GO, () => {
  const team = new Team(GO);
  let typescript: unknown;
  const template = async () => {
    await team.run('go', 'mod', 'tidy');
    await team.run('go', 'build', UNOPTIMIZED, '-o', 'team', '.');
    return team.templateFrom(join(team.folder, 'team'));
  };

  beforeAll(async () => {
    typescript = await templateOfTypeScript();
    await team.run('go', 'mod', 'edit', `-replace=${MODULE}=${SOURCES}`);
  });
  afterAll(() => team.remove());

  test('the package holds the tarball that npm publishes, byte for byte, and requires no more than the oldest peers', () => {
    const [tarball = ''] = readdirSync(join(SOURCES, 'jsii')).filter((name) => name.endsWith('.tgz'));

    expect(readFileSync(join(SOURCES, 'jsii', tarball)).equals(TARBALL)).toBe(true);
    const requirements = readFileSync(join(SOURCES, 'go.mod'), 'utf8');
    expect(requirements).toContain(`\t${CDK} v${OLDEST}\n`);
    expect(requirements).not.toContain('indirect');
  });

  test('the package’s README has the lines in Go that are tried here, and no others', () => {
    const readme = readFileSync(join(SOURCES, 'README.md'), 'utf8');
    const blocks = [...readme.matchAll(/^```go\n(.*?)^```/gms)].map(([, lines]) => lines);

    expect(blocks).toEqual([readFileSync(join(team.folder, 'one-user/main.go'), 'utf8')]);
  });

  test('the example is formatted as Go is', async () => {
    expect(await team.run('gofmt', '-l', '.')).toBe('');
  });

  test('the team’s template is that of TypeScript', async () => {
    expect(await template()).toEqual(typescript);
  });

  test('README’s first example, one user, has the template of TypeScript', async () => {
    const oneUser = await team.templateFrom('go', 'run', UNOPTIMIZED, './one-user');

    expect(oneUser).toEqual(await templateOfTypeScript('one-user.ts'));
  });

  test('users can be left out and configured; an error names property and construct, and repeats no value', async () => {
    mkdirSync(join(team.folder, 'conversation'));
    writeFileSync(join(team.folder, 'conversation/main.go'), CONVERSATION);

    const heard = await team.run('go', 'run', UNOPTIMIZED, './conversation');

    expect(heard).toContain('Robot: <nil>\nBob: Team/BobVirtualMfa\n');
    expect(heard).toContain('panic: [Team/Mfa] issuer: got a text of 12 characters; allowed: 1 to 128 characters');
    expect(heard).not.toContain('1234');
  });

  test('with the oldest peers that the package takes, too', async () => {
    for (const folder of await oldestPeersIn(mkdtempSync(join(team.folder, 'peers-')))) {
      const { stdout: module } = await execa('go', ['list', '-m'], { cwd: folder });
      await team.run('go', 'mod', 'edit', `-replace=${module}=${folder}`);
    }
    await team.run('go', 'mod', 'edit', `-require=${CDK}@v${OLDEST}`);

    expect(await template()).toEqual(typescript);
    expect(await team.run('go', 'list', '-m', CDK)).toContain(`${CDK} v${OLDEST} => ${team.folder}`);
  });
});

/**
 * Makes the Go modules of the oldest peers as AWS makes them, with jsii-pacmak from npm's packages: not every module proxy has
 * the modules that AWS published.
 *
 * @returns the folders of the modules
 */
async function oldestPeersIn(folder: string): Promise<string[]> {
  await installWithOldestPeers(folder);
  const installed = join(folder, 'node_modules');
  const dependencies = readdirSync(join(installed, '@aws-cdk')).map((name) => `@aws-cdk/${name}`);
  const options = ['--targets', GO.target, '--code-only', '--outdir', folder];
  const pack = ['--pack-command', 'npm pack --ignore-scripts'];
  // One by one: jsii-pacmak counts what they need for their own tests, too, and that goes in a circle.
  for (const name of ['constructs', ...dependencies, 'aws-cdk-lib']) {
    await execa('jsii-pacmak', [join(installed, name), ...options, ...pack], { cwd: ROOT, preferLocal: true });
  }
  const modules = join(folder, GO.target);
  return readdirSync(modules).map((name) => join(modules, name));
}
