import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GO } from '../../scripts/package-all/languages';
import { describeIn, OLDEST, PACKAGES, TARBALL, Team, templateOfTypeScript } from './team';

const CDK = 'github.com/aws/aws-cdk-go/awscdk/v2';
const MODULE = 'github.com/cdk-iam-virtual-mfa/cdk-iam-virtual-mfa-go/cdkiamvirtualmfa';
const SOURCES = join(PACKAGES, 'go/cdkiamvirtualmfa');

/** The oldest aws-cdk-lib in the module proxies that we know, of those that the package takes. */
const OLDEST_IN_PROXIES = '2.248.0';

describeIn(GO, () => {
  const team = new Team(GO);
  let typescript: unknown;
  const template = async () => {
    await team.run('go', 'mod', 'tidy');
    await team.run('go', 'build', '-o', 'team', '.');
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

  test('the example is formatted as Go is', async () => {
    expect(await team.run('gofmt', '-l', '.')).toBe('');
  });

  test('the team’s template is that of TypeScript', async () => {
    expect(await template()).toEqual(typescript);
  });

  test('with an old aws-cdk-lib, too', async () => {
    await team.run('go', 'get', `${CDK}@v${OLDEST_IN_PROXIES}`);

    expect(await template()).toEqual(typescript);
    expect(await team.run('go', 'list', '-m', CDK)).toBe(`${CDK} v${OLDEST_IN_PROXIES}\n`);
  });
});
