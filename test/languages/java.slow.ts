import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { version } from '../../package.json';
import { JAVA, MAVEN_REPOSITORY } from '../../scripts/package-all/languages';
import { describeIn, OLDEST, PACKAGES, Team, templateOfTypeScript } from './team';

/** Lets Maven find the package where package:all has put it. */
const SETTINGS = `
<settings>
  <profiles>
    <profile>
      <id>built</id>
      <repositories>
        <repository><id>built</id><url>${pathToFileURL(join(PACKAGES, 'java')).href}</url></repository>
      </repositories>
    </profile>
  </profiles>
  <activeProfiles><activeProfile>built</activeProfile></activeProfiles>
</settings>
`;

describeIn(JAVA, () => {
  const team = new Team(JAVA);
  const app = [
    ...['mvn', '--batch-mode', '--quiet', '--settings', 'settings.xml', `-Dmaven.repo.local=${MAVEN_REPOSITORY}`],
    ...[`-Dvirtual-mfa.version=${version}`, 'compile', 'exec:java'],
  ] as const;
  let typescript: unknown;

  beforeAll(async () => {
    typescript = await templateOfTypeScript();
    writeFileSync(join(team.folder, 'settings.xml'), SETTINGS);
    // Maven keeps what it has downloaded, and would take the package of an earlier run.
    await rm(join(MAVEN_REPOSITORY, 'io/github/cdk-iam-virtual-mfa'), { recursive: true, force: true });
  });
  afterAll(() => team.remove());

  test('the team’s template is that of TypeScript', async () => {
    expect(await team.templateFrom(...app)).toEqual(typescript);
  });

  test('with the oldest aws-cdk-lib, too', async () => {
    expect(await team.templateFrom(...app, `-Dcdk.version=${OLDEST}`)).toEqual(typescript);
  });
});
