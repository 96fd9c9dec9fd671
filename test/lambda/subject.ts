import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import type { WatchEvent } from '../../lambda/contract/watch';
import {
  EXISTING_SEED_FIELD_TAG,
  EXISTING_SEED_TAG,
  LOGICAL_ID_TAG,
  SEED_VERSION_TAG,
  STACK_ID_TAG,
  USER_NAME_TAG,
} from '../../lambda/contract/own-tags';
import type { ExistingVirtualMfaDeviceProperties } from '../../lambda/contract/properties';
import { type StoredSeed, storedSeedOf } from '../../lambda/contract/stored-seed';
import { readEnrollmentRequest } from '../../lambda/device/enrollment-request';
import type { CustomResourceEvent } from '../../lambda/custom-resource/event';
import type { LocalAws } from 'local-aws';
import { keyOf } from '../../local-aws/test/callers';
import { callDirectly } from '../direct-calls';
import {
  ACCOUNT_ID,
  KNOWN_SEED,
  type Properties,
  STACK_ID,
  codeOf,
  putHandlerPolicies,
  tagsByCloudFormation,
  watchEventFor,
} from './handler-stack';
import type { Lifecycle, Run, RotationRun, TickRun, TickOptions } from './lifecycle';

/** One custom resource: builds its events, runs them, and looks at what they left in the account. */
export class Subject {
  /** A resource of the stack, with users and an empty seed secret of its own. The role may act on this resource's users only. */
  static async in(lifecycle: Lifecycle): Promise<Subject> {
    const { aws, stackId, roleName } = lifecycle;
    const number = lifecycle.beginSubject();
    const logicalId = `Mfa${number}`;
    const suffix = `${number}${stackId.slice(STACK_ID.length)}`;
    const userNames = [`bob${suffix}`, `eve${suffix}`] as const;
    for (const UserName of userNames) await aws.account.invoke('iam', 'CreateUser', { UserName });
    const secret = await aws.account.invoke('secretsmanager', 'CreateSecret', {
      Name: `seed-${suffix}`,
      Tags: [
        { Key: STACK_ID_TAG, Value: stackId },
        { Key: LOGICAL_ID_TAG, Value: logicalId },
        { Key: USER_NAME_TAG, Value: userNames[0] },
        ...tagsByCloudFormation(`${logicalId}Seed`, stackId),
      ],
    });
    await putHandlerPolicies(aws, userNames, stackId, roleName);
    return new Subject(lifecycle, logicalId, userNames, String(secret['ARN']));
  }

  readonly userName: string;
  readonly otherUserName: string;
  #existing: { readonly Existing: ExistingVirtualMfaDeviceProperties } | undefined;

  private constructor(
    readonly lifecycle: Lifecycle,
    readonly logicalId: string,
    [userName, otherUserName]: readonly [string, string],
    readonly seedSecretArn: string,
  ) {
    this.userName = userName;
    this.otherUserName = otherUserName;
  }

  get aws(): LocalAws {
    return this.lifecycle.aws;
  }

  /** Properties as CloudFormation delivers them: each scalar a string. */
  properties(changes: Properties = {}): Properties {
    return {
      ServiceToken: `arn:aws:lambda:us-east-1:${ACCOUNT_ID}:function:handler`,
      ServiceTimeout: '1800',
      UserName: this.userName,
      SeedSecretArn: this.seedSecretArn,
      ...changes,
    };
  }

  serialNumber(changes: Properties = {}): string {
    return this.#request(changes).serialNumber;
  }

  event(
    type: Pick<CustomResourceEvent, 'RequestType' | 'PhysicalResourceId' | 'OldResourceProperties'>,
    changes: Properties = {},
  ): CustomResourceEvent {
    const RequestId = randomUUID();
    return {
      ...type,
      RequestId,
      ResponseURL: this.lifecycle.responseUrl(RequestId),
      StackId: this.lifecycle.stackId,
      LogicalResourceId: this.logicalId,
      ResourceProperties: this.properties(changes),
    };
  }

  /** Gives the secret the tags of a template, which CloudFormation does before it sends the event. */
  async tagSecret(properties: Properties): Promise<void> {
    const existing = properties.Existing as ExistingVirtualMfaDeviceProperties | undefined;
    const source = [
      { Key: EXISTING_SEED_TAG, Value: existing?.SeedSecretArn ?? '' },
      { Key: EXISTING_SEED_FIELD_TAG, Value: existing?.SeedField ?? '' },
    ];
    const Tags = [
      { Key: USER_NAME_TAG, Value: String(properties.UserName) },
      ...(this.#existing || existing ? source : []),
    ];
    const tagging = this.administrate('secretsmanager', 'TagResource', { SecretId: this.seedSecretArn, Tags });
    // A secret that somebody deleted stays deleted.
    await tagging.catch(() => undefined);
  }

  async create(changes: Properties = {}): Promise<Run> {
    await this.tagSecret(this.properties(changes));
    return this.lifecycle.run(this.event({ RequestType: 'Create' }, changes));
  }

  /** @param physicalResourceId the serial number that belongs to the old properties, by default */
  async update(from: Properties, to: Properties, physicalResourceId = this.serialNumber(from)): Promise<Run> {
    await this.tagSecret(this.properties(to));
    const type = { RequestType: 'Update', PhysicalResourceId: physicalResourceId } as const;
    return this.lifecycle.run(this.event({ ...type, OldResourceProperties: this.properties(from) }, to));
  }

  /** What the schedule of a watch sends for this resource alone. */
  watchEvent({ repair = false, recreate = false }: TickOptions = {}, properties = this.properties()): WatchEvent {
    return watchEventFor(this.lifecycle.stackId, [{ LogicalResourceId: this.logicalId, properties }], repair, recreate);
  }

  /** One tick of a watch, long after the latest deployment. */
  async tick(options: TickOptions = {}): Promise<TickRun> {
    this.lifecycle.clock.advance(2 * 60 * 60_000);
    return this.lifecycle.tick(this.watchEvent(options), options);
  }

  delete(physicalResourceId = this.serialNumber(), changes: Properties = {}): Promise<Run> {
    return this.lifecycle.run(this.event({ RequestType: 'Delete', PhysicalResourceId: physicalResourceId }, changes));
  }

  /**
   * Has Secrets Manager rotate the seed, and tells how each step ended.
   *
   * @param beforeStep is told of the steps before
   */
  async rotate(
    token: string = randomUUID(),
    beforeStep: (runs: readonly RotationRun[]) => void = () => undefined,
  ): Promise<readonly RotationRun[]> {
    const { secretsManager } = this.aws;
    const runs: RotationRun[] = [];
    secretsManager.onRotation(async (_functionArn, event) => {
      beforeStep(runs);
      const run = await this.lifecycle.rotate(event);
      runs.push(run);
      if (run.outcome !== 'succeeded') throw new Error(run.reason);
    });
    await this.administrate('secretsmanager', 'RotateSecret', {
      SecretId: this.seedSecretArn,
      ClientRequestToken: token,
      RotationLambdaARN: `arn:aws:lambda:us-east-1:${ACCOUNT_ID}:function:handler`,
      RotationRules: { AutomaticallyAfterDays: 30 },
      RotateImmediately: true,
    });
    await secretsManager.ended();
    return runs;
  }

  /** Does something as an administrator of the account, outside of any stack. */
  administrate(service: string, action: string, input: Properties): Promise<Readonly<Record<string, unknown>>> {
    return this.aws.account.invoke(service, action, input);
  }

  /** Leaves a device of this resource behind, not enabled and with its seed stored nowhere. */
  async orphanWithoutSeed(changes: Properties = {}): Promise<void> {
    const { path, virtualMfaDeviceName, tags } = this.#request(changes);
    const seedVersion = { Key: SEED_VERSION_TAG, Value: `20260115T110000Z-${randomUUID()}` };
    const input = { Path: path, VirtualMFADeviceName: virtualMfaDeviceName, Tags: [...tags, seedVersion] };
    await this.administrate('iam', 'CreateVirtualMFADevice', input);
  }

  /** Writes a whole stored seed into the secret, as anybody may who has secretsmanager:PutSecretValue. */
  async plantSeed(seed: string, versionId: string, serialNumber = this.serialNumber()): Promise<void> {
    const owner = { serialNumber, userName: this.userName, issuer: 'Amazon Web Services', accountId: ACCOUNT_ID };
    await this.administrate('secretsmanager', 'PutSecretValue', {
      SecretId: this.seedSecretArn,
      ClientRequestToken: versionId,
      SecretString: JSON.stringify(storedSeedOf(owner, seed)),
    });
  }

  /** Takes the device away from its user, as a person in the console might. */
  async deactivate(serialNumber = this.serialNumber(), userName = this.userName): Promise<void> {
    await this.administrate('iam', 'DeactivateMFADevice', { UserName: userName, SerialNumber: serialNumber });
  }

  /** Puts a device of somebody else into the account. */
  foreignDevice(serialNumber: string, options: { enabledFor?: string; tags?: readonly [string, string][] } = {}): void {
    const enableDate = new Date(this.lifecycle.clock.now());
    this.aws.iam.virtualMfaDevices.set(serialNumber, {
      serialNumber,
      seed: KNOWN_SEED,
      tags: new Map(options.tags ?? [[STACK_ID_TAG, `${STACK_ID}-of-someone-else`]]),
      driftTimeSteps: 0,
      ...(options.enabledFor === undefined ? {} : { assignment: { userName: options.enabledFor, enableDate } }),
    });
  }

  /**
   * Puts a device that somebody else has made into the account, and its seed into a secret of theirs.
   *
   * @param secretString what the secret holds; the seed without it
   * @returns the property that adopts the device
   */
  async existingDevice(
    options: Parameters<Subject['foreignDevice']>[1] = {},
    secretString = KNOWN_SEED,
  ): Promise<{ readonly Existing: ExistingVirtualMfaDeviceProperties }> {
    const SerialNumber = this.existingSerialNumber;
    this.foreignDevice(SerialNumber, { tags: [], ...options });
    const secret = await this.administrate('secretsmanager', 'CreateSecret', {
      Name: `${inject('handlerPolicies').existingSeedPrefix}${this.userName}`,
      SecretString: secretString,
    });
    this.#existing = { Existing: { SerialNumber, SeedSecretArn: String(secret['ARN']) } };
    return this.#existing;
  }

  /** The property that adopts the device of `existingDevice`. */
  get existing(): Properties {
    return { ...this.#existing };
  }

  get existingSerialNumber(): string {
    return `arn:aws:iam::${ACCOUNT_ID}:mfa/phones/phone-of-${this.userName}`;
  }

  /** Everything there is to know of a device, or undefined. */
  device(serialNumber = this.serialNumber()) {
    return this.aws.iam.virtualMfaDevices.get(serialNumber);
  }

  /** Serial numbers of the devices that carry this resource's marks. */
  ownDevices(): string[] {
    return [...this.aws.iam.virtualMfaDevices.values()]
      .filter(
        ({ tags }) => tags.get(STACK_ID_TAG) === this.lifecycle.stackId && tags.get(LOGICAL_ID_TAG) === this.logicalId,
      )
      .map(({ serialNumber }) => serialNumber);
  }

  /** The serial numbers that are enabled for a user. */
  enabledFor(userName = this.userName): string[] {
    return this.aws.iam.devicesOf(userName).map(({ serialNumber }) => serialNumber);
  }

  /** What the secret holds under a staging label, or undefined. */
  async stored(label = 'AWSCURRENT'): Promise<StoredSeed | undefined> {
    try {
      const input = { SecretId: this.seedSecretArn, VersionStage: label };
      const { SecretString } = await this.administrate('secretsmanager', 'GetSecretValue', input);
      return JSON.parse(String(SecretString)) as StoredSeed;
    } catch {
      return undefined;
    }
  }

  /** Signs in as a user with the next code of the stored seed: resolves only if STS takes the code. */
  async signIn(serialNumber = this.serialNumber(), userName = this.userName): Promise<void> {
    const stored = await this.stored();
    this.lifecycle.clock.advance(30_000);
    const TokenCode = codeOf(stored?.seed ?? '', this.lifecycle.clock.now());
    const input = { SerialNumber: serialNumber, TokenCode };
    await callDirectly(this.aws, keyOf(this.aws, userName), 'sts', 'GetSessionToken', input);
  }

  #request(changes: Properties) {
    return readEnrollmentRequest({
      StackId: this.lifecycle.stackId,
      LogicalResourceId: this.logicalId,
      ResourceProperties: this.properties(changes),
    });
  }
}
