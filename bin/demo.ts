import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  IAMClient,
  ListMFADevicesCommand,
  ListUsersCommand,
  ListVirtualMFADevicesCommand,
} from '@aws-sdk/client-iam';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { type CustomResourceObservation, type LocalAws, startLocalAws } from '../local-aws';
import { cdk } from './cdk-command';
import { colors, observe, StepFailed, Steps } from './demo-steps';
import { virtualMfa } from './virtual-mfa-command';

const USER_NAME = 'Bob';
const STACK_NAME = 'VirtualMfaUsers';

/** `npm run demo`: the main job from `cdk deploy` to `cdk destroy`, each step observed. */
async function demo(localAws: LocalAws, steps: Steps, signal: AbortSignal): Promise<void> {
  const clients = clientsOf(localAws);
  const observations: CustomResourceObservation[] = [];
  localAws.cloudFormation.onCustomResourceEvent((observation) => observations.push(observation));
  const assembly = mkdtempSync(join(tmpdir(), 'virtual-mfa-demo-'));
  const runCdk = async (...args: string[]) => {
    const { exitCode } = await cdk(args, { environment: localAws.environment, output: 'terminal', signal });
    observe(exitCode === 0, `cdk ${args[0] ?? ''} ended with exit code ${exitCode}`);
  };
  const users = ['-c', `users=${USER_NAME}`, '-c', 'createUsers=true'];
  const command = commandOn(localAws, steps, signal);

  try {
    await steps.run('cdk deploy, on an account that listens on loopback', () =>
      runCdk('deploy', '--require-approval', 'never', '--output', assembly, ...users),
    );

    const device = await steps.run('What was made', async () => {
      const { MFADevices = [] } = await clients.iam.send(new ListMFADevicesCommand({ UserName: USER_NAME }));
      const [enabled] = MFADevices;
      observe(MFADevices.length === 1 && enabled?.SerialNumber !== undefined, 'the user has no enabled device');
      const created = observations.find(({ kind }) => kind === 'event');
      observe(created !== undefined, 'CloudFormation sent no Create event');
      const calls = localAws.account.calls
        .since(created.time)
        .filter(({ caller }) => caller.includes(':assumed-role/'));
      const handlerCalls = calls.filter(({ caller }) => caller.includes(STACK_NAME));
      const enabling = handlerCalls.find(
        ({ action, error }) => action === 'iam:EnableMFADevice' && error === undefined,
      );
      observe(enabling !== undefined, 'no EnableMFADevice succeeded');
      steps.fact('User', USER_NAME);
      steps.fact('Serial number', enabled.SerialNumber);
      steps.fact('Create event to enabled', `${enabling.answered - created.time} ms, a cold start included`);
      steps.fact('AWS calls of the handler', handlerCalls.map(({ action }) => action).join(', '));
      return { serialNumber: enabled.SerialNumber };
    });

    await steps.run('virtual-mfa qr: the seed, for an authenticator app', async () => {
      await command.show('qr', USER_NAME);
      steps.text('  The app then shows the codes of this demo, until the device is gone.\n');
    });

    await steps.run('virtual-mfa code: the current code', () => command.show('code', USER_NAME));

    await steps.run('virtual-mfa session: signing in with MFA', async () => {
      const { AccessKey } = await clients.iam.send(new CreateAccessKeyCommand({ UserName: USER_NAME }));
      const key = credentialsIn(AccessKey);

      // The seed is read as an administrator; the session is Bob's own.
      const profiles = join(assembly, 'aws-profiles');
      writeFileSync(profiles, profile('bob-key', key) + profile('administrator', localAws.credentials), {
        mode: 0o600,
      });
      const answer = await command.ask(
        { AWS_CONFIG_FILE: profiles, AWS_SHARED_CREDENTIALS_FILE: profiles },
        ...['session', USER_NAME, '--profile', 'bob-key', '--seed-profile', 'administrator', '--no-cache'],
      );
      const session = JSON.parse(answer) as Readonly<Record<string, string>>;
      const credentials = { ...credentialsIn(session), sessionToken: session['SessionToken'] ?? '' };
      const { Arn } = await new STSClient({ ...localAws.clientConfiguration, credentials }).send(
        new GetCallerIdentityCommand({}),
      );
      observe(Arn?.endsWith(`:user/${USER_NAME}`) === true, `the session belongs to ${String(Arn)}`);
      steps.fact('Code of the stored seed', `accepted: a session of ${Arn} with MFA`);

      // Only now STS is known to know the device: before, it would refuse the right code too.
      const sts = new STSClient({ ...localAws.clientConfiguration, credentials: key });
      const wrong = await wrongCode(command);
      const refusal = await sts
        .send(new GetSessionTokenCommand({ SerialNumber: device.serialNumber, TokenCode: wrong }))
        .then(() => undefined)
        .catch((error: unknown) => error);
      observe(refusal instanceof Error && refusal.name === 'AccessDenied', `the wrong code ${wrong} was not refused`);
      steps.fact(`Wrong code ${wrong}`, `refused: ${refusal.message.trim()}`);

      // The key was made outside the stack: as on AWS, it would keep the user from being deleted.
      await clients.iam.send(new DeleteAccessKeyCommand({ UserName: USER_NAME, AccessKeyId: key.accessKeyId }));
    });

    await steps.run('virtual-mfa verify: what is proven', () => command.show('verify', USER_NAME));

    await steps.run('cdk destroy', () => runCdk('destroy', '--force', '--output', assembly, ...users));

    await steps.run('What is left', async () => {
      const { VirtualMFADevices = [] } = await clients.iam.send(new ListVirtualMFADevicesCommand({}));
      const { Users = [] } = await clients.iam.send(new ListUsersCommand({}));
      const { SecretList = [] } = await clients.secretsManager.send(
        new ListSecretsCommand({ IncludePlannedDeletion: true }),
      );
      const stacks = await clients.cloudFormation
        .send(new DescribeStacksCommand({ StackName: STACK_NAME }))
        .then(({ Stacks = [] }) => Stacks.length)
        .catch(() => 0);
      const left = { stacks, users: Users.length, devices: VirtualMFADevices.length, secrets: SecretList.length };
      const counted = Object.entries(left).map(([what, count]) => `${count} ${what}`);
      observe(
        Object.values(left).every((count) => count === 0),
        `something is left: ${counted.join(', ')}`,
      );
      steps.fact('Nothing', counted.join(', '));
    });
  } finally {
    rmSync(assembly, { recursive: true, force: true });
  }
}

function clientsOf({ clientConfiguration }: LocalAws) {
  return {
    iam: new IAMClient(clientConfiguration),
    secretsManager: new SecretsManagerClient(clientConfiguration),
    cloudFormation: new CloudFormationClient(clientConfiguration),
  };
}

/** `virtual-mfa` on the demo's account. */
interface DemoCommand {
  /** Shows what it prints. */
  show(...args: readonly string[]): Promise<void>;
  /** Answers what it prints, and shows what it says beside that. */
  ask(environment: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<string>;
}

function commandOn(localAws: LocalAws, steps: Steps, signal: AbortSignal): DemoCommand {
  const run = async (args: readonly string[], output: 'terminal' | 'result', environment = {}) => {
    const ran = await virtualMfa(args, { environment: { ...localAws.environment, ...environment }, output, signal });
    observe(ran.exitCode === 0, `virtual-mfa ${args[0] ?? ''} ended with exit code ${ran.exitCode}. ${ran.messages}`);
    return ran;
  };
  return {
    show: async (...args) => {
      // Straight to a terminal, where it draws best; where the demo's output is a file, virtual-mfa would refuse that.
      const { output } = await run(args, process.stdout.isTTY ? 'terminal' : 'result');
      steps.text(output);
    },
    ask: async (environment, ...args) => {
      const { output, messages } = await run(args, 'result', environment);
      steps.text(messages.replaceAll(/^(?=.)/gm, '  '));
      return output;
    },
  };
}

function profile(name: string, { accessKeyId, secretAccessKey }: Key): string {
  const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  // The one file serves as configuration, which wants the word profile, and as credentials, which does not.
  return `[profile ${name}]\n${keys}[${name}]\n${keys}`;
}

interface Key {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

function credentialsIn(answer: { readonly AccessKeyId?: string; readonly SecretAccessKey?: string } | undefined): Key {
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = answer ?? {};
  observe(accessKeyId !== undefined && secretAccessKey !== undefined, 'no credentials were given');
  return { accessKeyId, secretAccessKey };
}

/** Six digits that are not the current code, nor likely one of its neighbours. */
async function wrongCode(command: DemoCommand): Promise<string> {
  const answer = await command.ask({}, 'code', USER_NAME, '--json');
  const { code } = JSON.parse(answer) as { code: string };
  return code.replace(/./, (digit) => String((Number(digit) + 5) % 10));
}

async function main(): Promise<number> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());
  const started = Date.now();
  const localAws = await startLocalAws();
  const steps = new Steps((text) => process.stdout.write(text));
  try {
    await demo(localAws, steps, interrupted.signal);
    steps.text(
      `\n${colors.bold(colors.green('Every step was observed'))}, in ${Math.round((Date.now() - started) / 1000)} s.\n`,
    );
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) {
      process.stderr.write('\nInterrupted; nothing is left running.\n');
      return 130;
    }
    if (!(error instanceof StepFailed)) throw error;
    process.stderr.write(`\n${colors.bold(colors.red(error.message))}\n`);
    return 1;
  } finally {
    await localAws.close();
  }
}

void main().then((exitCode) => process.exit(exitCode));
