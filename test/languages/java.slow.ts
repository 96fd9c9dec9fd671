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

/** What an app in Java hears of the library, beyond its template. */
const CONVERSATION = `
package com.example;

import io.github.cdkiamvirtualmfa.VirtualMfa;
import io.github.cdkiamvirtualmfa.VirtualMfaDevice;
import io.github.cdkiamvirtualmfa.VirtualMfaDeviceOptions;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.iam.User;

public final class Conversation {
  public static void main(String[] args) {
    Stack stack = new Stack(new App(), "Team");
    User robot = new User(stack, "Robot");
    User bob = new User(stack, "Bob");
    VirtualMfa.exclude(robot);
    VirtualMfa.configure(bob, VirtualMfaDeviceOptions.builder().rotationId("2026-01").build());
    stack.with(new VirtualMfa());
    System.out.println("Robot: " + VirtualMfa.deviceOf(robot));
    System.out.println("Bob: " + VirtualMfa.deviceOf(bob).getNode().getPath());
    try {
      VirtualMfaDevice.Builder.create(stack, "Mfa").user(robot).issuer("Secret: 1234").build();
    } catch (RuntimeException error) {
      System.out.println(error);
    }
  }
}
`;

describeIn(JAVA, () => {
  const team = new Team(JAVA);
  const maven = [
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
    expect(await team.templateFrom(...maven)).toEqual(typescript);
  });

  test('README’s first example, one user, has the template of TypeScript', async () => {
    const oneUser = await team.templateFrom(...maven, '-Dexec.mainClass=com.example.OneUser');

    expect(oneUser).toEqual(await templateOfTypeScript('one-user.ts'));
  });

  test('users can be left out and configured; an error names property and construct, and repeats no value', async () => {
    writeFileSync(join(team.folder, 'src/main/java/com/example/Conversation.java'), CONVERSATION);

    const heard = await team.run(...maven, '-Dexec.mainClass=com.example.Conversation');

    expect(heard).toContain('Robot: null\nBob: Team/BobVirtualMfa\n');
    expect(heard).toContain('JsiiError: [Team/Mfa] issuer: got a text of 12 characters; allowed: 1 to 128 characters');
    expect(heard).not.toContain('1234');
  });

  test('with the oldest aws-cdk-lib, too', async () => {
    expect(await team.templateFrom(...maven, `-Dcdk.version=${OLDEST}`)).toEqual(typescript);
  });
});
