import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startLocalAws } from 'local-aws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cdk } from '../../bin/cdk-command';
import { PYTHON } from '../../scripts/package-all/languages';
import { describeIn, OLDEST, PACKAGES, Team, templateOfTypeScript, TARBALL } from './team';

/** What an app in Python hears of the library, beyond its template. */
const CONVERSATION = `
from aws_cdk import App, Stack, aws_iam as iam
from cdk_iam_virtual_mfa import MfaCoverage, VirtualMfa, VirtualMfaDevice

app = App()
stack = Stack(app, "Team")
robot, bob = iam.User(stack, "Robot"), iam.User(stack, "Bob")
VirtualMfa.exclude(robot)
VirtualMfa.configure(bob, rotation_id="2026-01")
stack.with_(VirtualMfa())
assert VirtualMfa.device_of(robot) is None
assert isinstance(VirtualMfa.device_of(bob), VirtualMfaDevice)
MfaCoverage.of(app).require(enforcement=False)

def failure_of(action):
    try:
        action()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

print(failure_of(lambda: VirtualMfaDevice(stack, "Mfa", user=robot, issuer="Secret: 1234")))
print(failure_of(app.synth))
MfaCoverage.of(robot).exempt("It signs its requests with an access key")
app.synth()
`;

describeIn(PYTHON, () => {
  const team = new Team(PYTHON);
  const python = join(team.folder, '.venv/bin/python');
  const app = [python, join(team.folder, 'app.py')] as const;
  const pip = async (...what: readonly string[]) => {
    const install = async () => team.run(python, '-m', 'pip', 'install', '--quiet', '--no-compile', ...what);
    // pip refuses a download that was cut off, and does not try again.
    await install().catch(install);
  };
  const wheels = readdirSync(join(PACKAGES, 'python')).filter((name) => name.endsWith('.whl'));
  let typescript: unknown;

  beforeAll(async () => {
    typescript = await templateOfTypeScript();
    await team.run('python3', '-m', 'venv', '.venv');
    await pip('-r', 'requirements.txt', ...wheels.map((wheel) => join(PACKAGES, 'python', wheel)));
  });
  afterAll(() => team.remove());

  test('the installed package holds the tarball that npm publishes, byte for byte', async () => {
    const folder = await team.run(python, '-c', 'import cdk_iam_virtual_mfa as p; print(p.__path__[0])');
    const [tarball = ''] = readdirSync(join(folder, '_jsii')).filter((name) => name.endsWith('.tgz'));

    expect(readFileSync(join(folder, '_jsii', tarball)).equals(TARBALL)).toBe(true);
  });

  test('the team’s template is that of TypeScript', async () => {
    expect(await team.templateFrom(...app)).toEqual(typescript);
  });

  test('README’s first example, one user, has the template of TypeScript', async () => {
    const oneUser = await team.templateFrom(python, join(team.folder, 'one_user.py'));

    expect(oneUser).toEqual(await templateOfTypeScript('one-user.ts'));
  });

  test('users can be left out and configured; an error names property and construct, and repeats no value', async () => {
    writeFileSync(join(team.folder, 'conversation.py'), CONVERSATION);

    const heard = await team.run(python, 'conversation.py');

    expect(heard).toContain(
      'RuntimeError: [Team/Mfa] issuer: got a text of 12 characters; allowed: 1 to 128 characters, no colon',
    );
    expect(heard).toContain('The user Team/Robot has no MFA device.');
    expect(heard).not.toContain('1234');
  });

  test('the real CDK CLI deploys and destroys it', async () => {
    const localAws = await startLocalAws();
    const run = async (...command: readonly string[]) => {
      const options = ['--app', app.join(' '), '--output', join(team.folder, 'cdk.out')];
      const { exitCode, output } = await cdk([...command, ...options], { environment: localAws.environment });
      expect(exitCode, output).toBe(0);
    };
    const { iam } = localAws;
    try {
      await run('deploy', '--require-approval', 'never');

      expect(iam.users.all().map(({ name }) => iam.devicesOf(name).length)).toEqual([1, 1, 1, 1]);

      await run('destroy', '--force');

      expect(iam.users.all()).toEqual([]);
      expect(iam.virtualMfaDevices.size).toBe(0);
    } finally {
      await localAws.close();
    }
  });

  test('with the oldest aws-cdk-lib, too, the template is that of TypeScript', async () => {
    await pip(`aws-cdk-lib==${OLDEST}`);

    expect(await team.run(python, '-m', 'pip', 'check')).toContain('No broken requirements found');
    expect(await team.templateFrom(...app)).toEqual(typescript);
  });
});
