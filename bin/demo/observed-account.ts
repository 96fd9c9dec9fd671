import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
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
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import type { LocalAws, LoggedCall } from 'local-aws';
import { observe } from './observation';

/** A user's access key, or a session's. */
export interface Key {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** An enabled device, and how it came to be. */
export interface EnabledDevice {
  readonly serialNumber: string;
  /** The function's AWS calls, the last one of which enabled the device. */
  readonly calls: readonly LoggedCall[];
  /** From CloudFormation's Create event to IAM's answer. */
  readonly millisecondsToEnabled: number;
  /** Milliseconds since the epoch. */
  readonly enabledAt: number;
}

/** The account of the demo: asked as a real one is, and beside that by its log of calls. */
export class ObservedAccount {
  readonly #iam: IAMClient;
  readonly #secretsManager: SecretsManagerClient;
  readonly #cloudFormation: CloudFormationClient;
  #createdAt: number | undefined;

  constructor(private readonly localAws: LocalAws) {
    const { clientConfiguration, cloudFormation } = localAws;
    this.#iam = new IAMClient(clientConfiguration);
    this.#secretsManager = new SecretsManagerClient(clientConfiguration);
    this.#cloudFormation = new CloudFormationClient(clientConfiguration);
    cloudFormation.onCustomResourceEvent(({ kind, time }) => {
      if (kind === 'event') this.#createdAt ??= time;
    });
  }

  async enabledDevice(userName: string, stackName: string): Promise<EnabledDevice> {
    const { MFADevices = [] } = await this.#iam.send(new ListMFADevicesCommand({ UserName: userName }));
    const serialNumber = MFADevices[0]?.SerialNumber;
    observe(MFADevices.length === 1 && serialNumber !== undefined, 'the user has no enabled device');
    const createdAt = this.#createdAt;
    observe(createdAt !== undefined, 'CloudFormation sent no Create event');
    const calls = this.localAws.account.calls
      .since(createdAt)
      .filter(({ caller }) => caller.includes(':assumed-role/') && caller.includes(stackName));
    const enabling = calls.find(({ action, error }) => action === 'iam:EnableMFADevice' && error === undefined);
    observe(enabling !== undefined, 'no EnableMFADevice succeeded');
    const { answered: enabledAt } = enabling;
    return { serialNumber, calls, millisecondsToEnabled: enabledAt - createdAt, enabledAt };
  }

  /** Where the seed of the only secret stands, of these texts and of all logs. */
  async placesOfSeed(texts: Readonly<Record<string, string>>): Promise<readonly string[]> {
    const { SecretList: [secret] = [] } = await this.#secretsManager.send(new ListSecretsCommand({}));
    const { SecretString = '{}' } = await this.#secretsManager.send(
      new GetSecretValueCommand({ SecretId: secret?.ARN ?? '' }),
    );
    const { seed } = JSON.parse(SecretString) as Partial<StoredSeed>;
    observe(seed !== undefined && seed.length > 0, 'the secret holds no seed');
    const logs = this.localAws.logs
      .groups()
      .map(({ name, events }) => [name, events.map(({ message }) => message).join('\n')] as const);
    return [...Object.entries(texts), ...logs].filter(([, text]) => text.includes(seed)).map(([place]) => place);
  }

  async createKey(userName: string): Promise<Key> {
    const { AccessKey } = await this.#iam.send(new CreateAccessKeyCommand({ UserName: userName }));
    return keyIn(AccessKey);
  }

  async deleteKey(userName: string, { accessKeyId }: Key): Promise<void> {
    await this.#iam.send(new DeleteAccessKeyCommand({ UserName: userName, AccessKeyId: accessKeyId }));
  }

  /** The ARN of the user that a key belongs to. */
  async ownerOf(credentials: Key): Promise<string | undefined> {
    const sts = new STSClient({ ...this.localAws.clientConfiguration, credentials });
    return (await sts.send(new GetCallerIdentityCommand({}))).Arn;
  }

  /** When STS gave the session, in milliseconds since the epoch. */
  sessionTime(): number {
    const call = this.localAws.account.calls
      .since()
      .find(({ action, error }) => action === 'sts:GetSessionToken' && error === undefined);
    observe(call !== undefined, 'STS gave no session');
    return call.answered;
  }

  /** STS's refusal of a code. */
  async refusalOf(code: string, serialNumber: string, credentials: Key): Promise<string> {
    const sts = new STSClient({ ...this.localAws.clientConfiguration, credentials });
    const refusal = await sts
      .send(new GetSessionTokenCommand({ SerialNumber: serialNumber, TokenCode: code }))
      .then(() => undefined)
      .catch((error: unknown) => error);
    observe(refusal instanceof Error && refusal.name === 'AccessDenied', `the wrong code ${code} was not refused`);
    return refusal.message.trim();
  }

  /** What the account still has. */
  async left(stackName: string): Promise<Readonly<Record<string, number>>> {
    const { VirtualMFADevices = [] } = await this.#iam.send(new ListVirtualMFADevicesCommand({}));
    const { Users = [] } = await this.#iam.send(new ListUsersCommand({}));
    const { SecretList = [] } = await this.#secretsManager.send(
      new ListSecretsCommand({ IncludePlannedDeletion: true }),
    );
    const stacks = await this.#cloudFormation
      .send(new DescribeStacksCommand({ StackName: stackName }))
      .then(({ Stacks = [] }) => Stacks.length)
      .catch(() => 0);
    return { stacks, users: Users.length, devices: VirtualMFADevices.length, secrets: SecretList.length };
  }
}

/** Reads a key as IAM and `virtual-mfa session` give it. */
export function keyIn(
  answer: { readonly AccessKeyId?: string; readonly SecretAccessKey?: string; readonly SessionToken?: string } = {},
): Key {
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = answer;
  observe(accessKeyId !== undefined && secretAccessKey !== undefined, 'no credentials were given');
  return { accessKeyId, secretAccessKey, sessionToken };
}
