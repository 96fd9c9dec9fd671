import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  IAMClient,
  ListMFADevicesCommand,
  ListUsersCommand,
  ListVirtualMFADevicesCommand,
} from '@aws-sdk/client-iam';
import { GetSecretValueCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { generateSync } from 'otplib/functional';
import { toString as renderQrCode } from 'qrcode';
import { type CustomResourceObservation, type LocalAws, startLocalAws } from '../local-aws';
import { cdk } from './cdk-command';
import { colors, observe, StepFailed, Steps } from './demo-steps';

const USER_NAME = 'Bob';
const STACK_NAME = 'VirtualMfaStack';
const PERIOD_SECONDS = 30;

/** The value of the seed secret, as its owner reads it. */
interface StoredSeed {
  readonly serialNumber: string;
  readonly userName: string;
  readonly seed: string;
  readonly otpauthUri: string;
}

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

  try {
    await steps.run('cdk deploy, on an account that listens on loopback', () =>
      runCdk('deploy', '--require-approval', 'never', '--output', assembly, '-c', `users=${USER_NAME}`),
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
      return { serialNumber: enabled.SerialNumber, enabledAt: enabling.answered };
    });

    const stored = await steps.run('The seed, as its owner reads it from the secret', async () => {
      const { SecretList = [] } = await clients.secretsManager.send(new ListSecretsCommand({}));
      const [secret] = SecretList;
      observe(SecretList.length === 1 && secret?.ARN !== undefined, `there are ${SecretList.length} secrets, not one`);
      const { SecretString = '' } = await clients.secretsManager.send(
        new GetSecretValueCommand({ SecretId: secret.ARN }),
      );
      const seed = JSON.parse(SecretString) as StoredSeed;
      observe(seed.serialNumber === device.serialNumber, 'the stored seed is not of the enabled device');
      const type = process.stdout.isTTY ? 'terminal' : 'utf8';
      steps.text(`${await renderQrCode(seed.otpauthUri, { type, small: true, errorCorrectionLevel: 'L' })}\n`);
      steps.text('  For an authenticator app: it shows the codes of this demo until the device is gone.\n');
      return seed;
    });

    await steps.run('Signing in: GetSessionToken with a code', async () => {
      await waitForFreshCode(device.enabledAt, steps, signal);
      const code = codeAt(stored.seed, Date.now());
      steps.fact('Current code', code);
      const { AccessKey } = await clients.iam.send(new CreateAccessKeyCommand({ UserName: USER_NAME }));
      observe(
        AccessKey?.AccessKeyId !== undefined && AccessKey.SecretAccessKey !== undefined,
        'no access key was made',
      );
      const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = AccessKey;
      const sts = new STSClient({ ...localAws.clientConfiguration, credentials: { accessKeyId, secretAccessKey } });

      const wrong = wrongCode(stored.seed);
      const refusal = await sts
        .send(new GetSessionTokenCommand({ SerialNumber: device.serialNumber, TokenCode: wrong }))
        .then(() => undefined)
        .catch((error: unknown) => error);
      observe(refusal instanceof Error && refusal.name === 'AccessDenied', `the wrong code ${wrong} was not refused`);
      steps.fact(`Wrong code ${wrong}`, `refused: ${refusal.message.trim()}`);

      const { Credentials } = await sts.send(
        new GetSessionTokenCommand({ SerialNumber: device.serialNumber, TokenCode: code }),
      );
      observe(Credentials?.AccessKeyId !== undefined, 'GetSessionToken gave no credentials');
      const session = new STSClient({
        ...localAws.clientConfiguration,
        credentials: {
          accessKeyId: Credentials.AccessKeyId,
          secretAccessKey: Credentials.SecretAccessKey ?? '',
          sessionToken: Credentials.SessionToken ?? '',
        },
      });
      const { Arn } = await session.send(new GetCallerIdentityCommand({}));
      observe(Arn?.endsWith(`:user/${USER_NAME}`) === true, `the session belongs to ${String(Arn)}`);
      steps.fact(`Right code ${code}`, `accepted: a session of ${Arn} with MFA`);
      // The key was made outside the stack: as on AWS, it would keep the user from being deleted.
      await clients.iam.send(new DeleteAccessKeyCommand({ UserName: USER_NAME, AccessKeyId: accessKeyId }));
    });

    await steps.run('cdk destroy', () =>
      runCdk('destroy', '--force', '--output', assembly, '-c', `users=${USER_NAME}`),
    );

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

/** The code of the step in which the device was enabled is used up; the next one comes within 30 seconds. */
async function waitForFreshCode(enabledAt: number, steps: Steps, signal: AbortSignal): Promise<void> {
  const nextStep = (Math.floor(enabledAt / 1000 / PERIOD_SECONDS) + 1) * PERIOD_SECONDS * 1000;
  const wait = nextStep - Date.now();
  if (wait <= 0) return;
  steps.text(`  The current code was used up by enabling; the next one begins in ${Math.ceil(wait / 1000)} s.\n`);
  await delay(wait, undefined, { signal });
}

function codeAt(secret: string, milliseconds: number): string {
  return generateSync({ secret, epoch: Math.floor(milliseconds / 1000) });
}

/** A code that no time step around now has. */
function wrongCode(seed: string): string {
  const valid = [-2, -1, 0, 1, 2].map((steps) => codeAt(seed, Date.now() + steps * PERIOD_SECONDS * 1000));
  return ['000000', '000001', '000002', '000003', '000004', '000005'].find((code) => !valid.includes(code)) ?? '';
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
