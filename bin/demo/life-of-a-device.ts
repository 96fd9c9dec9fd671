import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalAws, LoggedCall } from 'local-aws';
import { millisecondsToNextTimeStep } from '../../lambda/contract/authentication-codes';
import { Commands } from './commands';
import { observe, StepFailed } from './observation';
import { type EnabledDevice, type Key, keyIn, ObservedAccount } from './observed-account';
import type { Screen } from './screen';

const USER_NAME = 'Bob';
const STACK_NAME = 'VirtualMfaUsers';
/** A code that is shown lasts long enough to be typed. */
const LEAST_CODE_SECONDS = 10;
const CHECK_NAME_WIDTH = 15;

export interface DemoOptions {
  /** Shows all that the CDK CLI prints. */
  readonly isVerbose: boolean;
  /** Waits for a person; called after the QR code. */
  readonly pause: (() => Promise<void>) | undefined;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
}

/** From `cdk deploy` to `cdk destroy`: each step is observed, and fails where it does not come out as it must. */
export async function showLifeOfADevice(
  localAws: LocalAws,
  screen: Screen,
  { isVerbose, pause, signal }: DemoOptions,
): Promise<void> {
  const began = Date.now();
  const account = new ObservedAccount(localAws);
  const commands = new Commands(localAws, screen, isVerbose, signal);
  const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-demo-'));
  const app = ['--output', folder, '-c', `users=${USER_NAME}`, '-c', 'createUsers=true'];
  const step = async <T>(title: string, work: () => Promise<T>): Promise<T> => {
    screen.title(title);
    try {
      return await work();
    } catch (error) {
      const [message, log] = error instanceof StepFailed ? [error.message, error.log] : [String(error), ''];
      throw new StepFailed(`Step "${title}" failed: ${message}`, log);
    }
  };

  try {
    await step('cdk deploy: one user with a device, in an AWS account on loopback', async () => {
      const start = Date.now();
      const log = await commands.cdk('deploy', '--require-approval', 'never', ...app);
      const places = await account.placesOfSeed({
        'the template': readFileSync(join(folder, `${STACK_NAME}.template.json`), 'utf8'),
        "the CDK CLI's output": log,
      });
      observe(places.length === 0, `the seed stands in ${places.join(' and ')}`);
      screen.fact('Stack', `${STACK_NAME}, in ${seconds(Date.now() - start)}`);
      screen.fact('Seed', "in its secret; not in the template, the CLI's output or the function's log");
    });

    const device = await step('What was made', async () => {
      const enabled = await account.enabledDevice(USER_NAME, STACK_NAME);
      screen.fact('User', USER_NAME);
      screen.fact('Serial number', enabled.serialNumber);
      screen.fact('Enabled', `${enabled.millisecondsToEnabled} ms after the Create event, a cold start included`);
      screen.fact('AWS calls', ...enabled.calls.map(asLine));
      return enabled;
    });

    await step(`virtual-mfa qr ${USER_NAME}: the seed, for an authenticator app`, async () => {
      await commands.drawn('qr', USER_NAME);
      if (pause) await pause();
      else screen.note('An app that scans it shows the codes of this demo. npm run demo -- --pause waits here.');
    });

    await step(`virtual-mfa code ${USER_NAME}: the current code`, async () => {
      screen.lines(await freshCode(commands, screen, signal));
    });

    const signIn = await step(`virtual-mfa session ${USER_NAME}: a sign-in with MFA`, async () =>
      signInWithMfa(device, join(folder, 'aws-profiles'), { account, commands, localAws, screen }),
    );

    await step(`virtual-mfa verify ${USER_NAME}: what is proven`, async () => {
      screen.lines(await commands.virtualMfa(['verify', USER_NAME]), CHECK_NAME_WIDTH);
    });

    const left = await step('cdk destroy: the device goes before its user', async () => {
      const start = Date.now();
      await commands.cdk('destroy', '--force', ...app);
      screen.fact('Stack', `deleted in ${seconds(Date.now() - start)}`);
      const counts = await account.left(STACK_NAME);
      const counted = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
      observe(
        Object.values(counts).every((count) => count === 0),
        `something is left: ${counted.join(', ')}`,
      );
      return counted.join(', ');
    });

    screen.title('Every step was observed');
    screen.fact('Enabled', `${device.millisecondsToEnabled} ms, ${device.calls.length} AWS calls, no code typed`);
    screen.fact('Seed', 'in its secret, and in no template, log or output');
    screen.fact('Signed in', `${seconds(signIn.afterEnabling)} after enabling; a wrong code was refused`);
    screen.fact('Left', left);
    screen.fact('Took', seconds(Date.now() - began));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface SignInTools {
  readonly account: ObservedAccount;
  readonly commands: Commands;
  readonly localAws: LocalAws;
  readonly screen: Screen;
}

/** Signs in as the user, whose key it makes and deletes. */
async function signInWithMfa(
  { serialNumber, enabledAt }: EnabledDevice,
  profilesFile: string,
  { account, commands, localAws, screen }: SignInTools,
): Promise<{ readonly afterEnabling: number }> {
  screen.note('STS learns of a new device 8 to 14 s after it was enabled; the command waits for that.');
  const key = await account.createKey(USER_NAME);
  // An administrator reads the seed; the session is the user's own.
  writeFileSync(profilesFile, profile('bob-key', key) + profile('administrator', localAws.credentials), {
    mode: 0o600,
  });
  const answer = await commands.virtualMfa(
    ['session', USER_NAME, '--profile', 'bob-key', '--seed-profile', 'administrator', '--no-cache'],
    { AWS_CONFIG_FILE: profilesFile, AWS_SHARED_CREDENTIALS_FILE: profilesFile },
  );
  const afterEnabling = account.sessionTime() - enabledAt;
  const owner = await account.ownerOf(keyIn(JSON.parse(answer) as Parameters<typeof keyIn>[0]));
  observe(owner?.endsWith(`:user/${USER_NAME}`) === true, `the session belongs to ${String(owner)}`);
  screen.fact('Right code', `accepted ${seconds(afterEnabling)} after enabling: a session of ${owner}`);

  // Only now is STS known to know the device: before, it would have refused the right code too.
  const wrong = await wrongCode(commands);
  screen.fact('Wrong code', `${wrong} refused: ${await account.refusalOf(wrong, serialNumber, key)}`);

  // The key was made outside the stack: as on AWS, it would keep the user from being deleted.
  await account.deleteKey(USER_NAME, key);
  return { afterEnabling };
}

/** What `virtual-mfa code` prints of a code that still lasts. */
async function freshCode(commands: Commands, screen: Screen, signal: AbortSignal): Promise<string> {
  for (;;) {
    const printed = await commands.virtualMfa(['code', USER_NAME]);
    const [, secondsLeft] = /(\d+) s left/.exec(printed) ?? [];
    observe(secondsLeft !== undefined, 'virtual-mfa code shows no seconds');
    if (Number(secondsLeft) >= LEAST_CODE_SECONDS) return printed;
    const untilNext = millisecondsToNextTimeStep(Date.now());
    await screen.during('waiting for a code that lasts longer', () => sleep(untilNext, undefined, { signal }));
  }
}

function profile(name: string, { accessKeyId, secretAccessKey }: Key): string {
  const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  // The one file serves as configuration, which wants the word profile, and as credentials, which does not.
  return `[profile ${name}]\n${keys}[${name}]\n${keys}`;
}

/** Six digits that are not the current code, nor likely one of its neighbours. */
async function wrongCode(commands: Commands): Promise<string> {
  const answer = await commands.virtualMfa(['code', USER_NAME, '--json']);
  const { code } = JSON.parse(answer) as { readonly code: string };
  return code.replace(/./, (digit) => String((Number(digit) + 5) % 10));
}

function asLine({ action, time, answered, error = '' }: LoggedCall): string {
  return `${action.padEnd(34)} ${String(answered - time).padStart(4)} ms ${error}`.trimEnd();
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
