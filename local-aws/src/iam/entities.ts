import type { PolicyDocument } from '../policy-document';
import { uniqueIdSuffix } from '../credentials';
import { AwsError } from '../protocol/aws-error';

/** Tags in the order they were set. */
export type Tags = Map<string, string>;

/** What users, groups and roles have in common: an identity that policies are given to. */
export interface Identity {
  readonly name: string;
  path: string;
  readonly id: string;
  readonly createDate: Date;
  readonly inlinePolicies: Map<string, PolicyDocument>;
  /** ARNs of attached managed policies. */
  readonly attachedPolicies: Set<string>;
}

export interface User extends Identity {
  readonly tags: Tags;
  /** Names of the groups that the user is in. */
  readonly groups: Set<string>;
  /** When each access key was made, by its id. */
  readonly accessKeys: Map<string, Date>;
  permissionsBoundary?: string;
  loginProfileCreated?: Date;
}

export interface Role extends Identity {
  readonly tags: Tags;
  trustPolicy: PolicyDocument;
  description?: string;
  maxSessionDuration: number;
  permissionsBoundary?: string;
}

export type Group = Identity;

export interface ManagedPolicy {
  readonly arn: string;
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly createDate: Date;
  readonly versions: Map<string, PolicyDocument>;
  defaultVersionId: string;
  readonly tags: Tags;
}

/** For whom a device is enabled. */
export interface MfaDeviceAssignment {
  readonly userName: string;
  readonly enableDate: Date;
}

/** A hardware token or a passkey, which IAM knows only while it is enabled. */
export interface HardwareMfaDevice {
  readonly serialNumber: string;
  readonly assignment: MfaDeviceAssignment;
}

export interface VirtualMfaDevice {
  readonly serialNumber: string;
  /** Base32 text. */
  readonly seed: string;
  readonly tags: Tags;
  /** Whose it is, once enabled. */
  assignment?: MfaDeviceAssignment;
  /** The later time step of the last pair of codes that IAM took: the next pair must be newer. Signing in is another matter. */
  lastPairTimeStep?: number;
  /** By how many time steps the device's clock is off, as the last pair of codes told. */
  driftTimeSteps: number;
}

/** A set of entities by name, with IAM's errors for an entity that is absent or there already. Names differ in more than case. */
export class Entities<T> {
  readonly #entities = new Map<string, T>();

  /** @param kind as IAM's messages name it: `User` */
  constructor(private readonly kind: string) {}

  find(name: string): T | undefined {
    return this.#entities.get(name.toLowerCase());
  }

  get(name: string): T {
    const entity = this.find(name);
    if (entity === undefined) throw noSuchEntity(`The ${this.kind.toLowerCase()} with name ${name} cannot be found.`);
    return entity;
  }

  add(name: string, entity: T): T {
    if (this.find(name) !== undefined) throw entityAlreadyExists(`${this.kind} with name ${name} already exists.`);
    this.#entities.set(name.toLowerCase(), entity);
    return entity;
  }

  delete(name: string): void {
    this.get(name);
    this.#entities.delete(name.toLowerCase());
  }

  all(): readonly T[] {
    return [...this.#entities.values()];
  }
}

export function newIdentity(name: string, path: string, idPrefix: string, createDate: Date): Identity {
  return {
    name,
    path,
    id: idPrefix + uniqueIdSuffix() + 'A',
    createDate,
    inlinePolicies: new Map(),
    attachedPolicies: new Set(),
  };
}

export function noSuchEntity(message: string): AwsError {
  return new AwsError('NoSuchEntity', message, 404);
}

export function entityAlreadyExists(message: string): AwsError {
  return new AwsError('EntityAlreadyExists', message, 409);
}

export function deleteConflict(message: string): AwsError {
  return new AwsError('DeleteConflict', message, 409);
}

export function limitExceeded(quota: string, limit: number): AwsError {
  return new AwsError('LimitExceeded', `Cannot exceed quota for ${quota}: ${limit}`, 409);
}
