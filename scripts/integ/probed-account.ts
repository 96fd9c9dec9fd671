import { randomBytes } from 'node:crypto';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  DeactivateMFADeviceCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  IAMClient,
  type Tag,
} from '@aws-sdk/client-iam';
import { CreateSecretCommand, DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { previousAndCurrentCode } from '../../lambda/contract/authentication-codes';
import type { Clock } from '../../lambda/contract/clock';
import { inWords } from './finding';

/** How to reach an account; what is left out comes from the environment, as the SDK reads it. */
export interface Connection {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: SigningCredentials;
}

export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A virtual MFA device that a probe made. */
export interface ProbedDevice {
  readonly serialNumber: string;
  readonly seed: string;
}

/** The clients of one principal. */
export class Clients {
  readonly iam: IAMClient;
  readonly sts: STSClient;
  readonly secretsManager: SecretsManagerClient;
  readonly cloudFormation: CloudFormationClient;

  constructor(connection: Connection) {
    this.iam = new IAMClient(connection);
    this.sts = new STSClient(connection);
    this.secretsManager = new SecretsManagerClient(connection);
    this.cloudFormation = new CloudFormationClient(connection);
  }

  close(): void {
    for (const client of [this.iam, this.sts, this.secretsManager, this.cloudFormation]) client.destroy();
  }
}

/** Errors of something that is gone. */
export const GONE = ['NoSuchEntityException', 'ResourceNotFoundException'];
/** How IAM and STS, and Secrets Manager, call a denial. */
export const DENIED = ['AccessDenied', 'AccessDeniedException'];

/** Whether AWS answered with an error of one of these names. */
export function isNamed(error: unknown, ...names: readonly string[]): error is Error {
  return error instanceof Error && names.includes(error.name);
}

/** An account as one probe sees it: what the probe makes there has the probe's name and goes when the probe ends. */
export class ProbedAccount extends Clients {
  /** Begins the names of all that the probe makes. Without digits: six of them would look like a code, and not be printed. */
  readonly name = `virtual-mfa-probe-${randomBytes(4)
    .toString('hex')
    .replace(/\d/g, (digit) => 'ghijklmnop'[Number(digit)] ?? '')}`;
  readonly #cleanUps: { readonly what: string; readonly remove: () => Promise<unknown> }[] = [];

  private constructor(
    readonly connection: Connection,
    readonly clock: Clock,
    readonly accountId: string,
    readonly partition: string,
  ) {
    super(connection);
    this.cleanUpLater('the connections', async () => this.close());
  }

  static async connect(connection: Connection, clock: Clock): Promise<ProbedAccount> {
    const sts = new STSClient(connection);
    try {
      const { Arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
      const [, partition = '', , , accountId = ''] = Arn.split(':');
      return new ProbedAccount(connection, clock, accountId, partition);
    } finally {
      sts.destroy();
    }
  }

  /** The same account for other credentials. */
  as(credentials: SigningCredentials): Clients {
    const clients = new Clients({ ...this.connection, credentials });
    this.cleanUpLater('the connections', async () => clients.close());
    return clients;
  }

  /** @param what names what stays if it cannot be removed */
  cleanUpLater(what: string, remove: () => Promise<unknown>): void {
    this.#cleanUps.push({ what, remove });
  }

  /** Removes what the probe made, the latest first, and returns what stayed. */
  async cleanUp(): Promise<readonly string[]> {
    const remains: string[] = [];
    for (const { what, remove } of this.#cleanUps.splice(0).reverse()) {
      try {
        await remove();
      } catch (error) {
        if (!isNamed(error, ...GONE)) remains.push(`${what} (${inWords(error)})`);
      }
    }
    return remains;
  }

  /** A stack id that no stack has, as the product puts it into tags. */
  stackId(name: string): string {
    const { partition, accountId, connection, name: probe } = this;
    return `arn:${partition}:cloudformation:${connection.region}:${accountId}:stack/${probe}-${name}/0`;
  }

  async createUser(): Promise<string> {
    const UserName = this.name;
    await this.iam.send(new CreateUserCommand({ UserName }));
    this.cleanUpLater(`the user ${UserName}`, () => this.iam.send(new DeleteUserCommand({ UserName })));
    return UserName;
  }

  async createAccessKey(UserName: string): Promise<SigningCredentials> {
    const { AccessKey } = await this.iam.send(new CreateAccessKeyCommand({ UserName }));
    const { AccessKeyId = '', SecretAccessKey = '' } = AccessKey ?? {};
    this.cleanUpLater(`the access key of ${UserName}`, () =>
      this.iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId })),
    );
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey };
  }

  async createDevice(suffix: string, Tags: Tag[] = []): Promise<ProbedDevice> {
    const command = new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: `${this.name}-${suffix}`, Tags });
    const { VirtualMFADevice } = await this.iam.send(command);
    const { SerialNumber = '', Base32StringSeed } = VirtualMFADevice ?? {};
    this.deleteLater(SerialNumber);
    return { serialNumber: SerialNumber, seed: new TextDecoder().decode(Base32StringSeed) };
  }

  /** Deletes a device when the probe ends. */
  deleteLater(SerialNumber: string): void {
    this.cleanUpLater(`the device ${SerialNumber}`, () =>
      this.iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber })),
    );
  }

  /** Enables a device for a user, and returns the codes that it took. */
  async enable(UserName: string, { serialNumber: SerialNumber, seed }: ProbedDevice): Promise<readonly string[]> {
    const [AuthenticationCode1, AuthenticationCode2] = previousAndCurrentCode(seed, this.clock.now());
    await this.iam.send(
      new EnableMFADeviceCommand({ UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2 }),
    );
    this.cleanUpLater(`the device ${SerialNumber}, enabled for ${UserName}`, () =>
      this.iam.send(new DeactivateMFADeviceCommand({ UserName, SerialNumber })),
    );
    return [AuthenticationCode1, AuthenticationCode2];
  }

  /** A secret without a value, as the product's stacks have them, and returns its ARN. */
  async createSecret(Tags: Tag[] = []): Promise<string> {
    const { ARN = '' } = await this.secretsManager.send(new CreateSecretCommand({ Name: this.name, Tags }));
    this.cleanUpLater(`the secret ${ARN}`, () =>
      this.secretsManager.send(new DeleteSecretCommand({ SecretId: ARN, ForceDeleteWithoutRecovery: true })),
    );
    return ARN;
  }

  /**
   * Repeats a call for as long as AWS may need to know of what was just made.
   *
   * @param notYet names of the errors that time may heal
   * @throws the last error
   */
  async eventually<T>(
    call: () => Promise<T>,
    { notYet, milliseconds, pause = 1_000 }: { notYet: readonly string[]; milliseconds: number; pause?: number },
  ): Promise<T> {
    const began = this.clock.now();
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isNamed(error, ...notYet) || this.clock.now() - began + pause > milliseconds) throw error;
        await this.clock.sleep(pause);
      }
    }
  }
}
