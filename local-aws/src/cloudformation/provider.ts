import { randomBytes } from 'node:crypto';
import type { Account } from '../account';
import type { Stack, Tag } from './stack';

/** What a change of a property does to the resource. */
export type UpdateBehavior = 'in place' | 'replacement' | 'refused';

/** What a provider is told of the resource that it shall make. */
export interface Change {
  readonly account: Account;
  readonly stack: Pick<Stack, 'id' | 'name'>;
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Aborted when another resource failed: who waits for something slow gives up. */
  readonly signal: AbortSignal;
  /** A name as CloudFormation generates it: `<Stack>-<LogicalId>-<random>`, cut to the type's limit. */
  readonly physicalName: (maximumLength: number) => string;
  /** Says at once that a resource of this id exists now, so that a failure on the way leaves nothing behind. */
  readonly created: (physicalId: string) => void;
  /** Says what a failed creation may have left behind: the rollback deletes it. */
  readonly leftBehind: (physicalId: string) => void;
}

/** What a provider is told of the resource that it shall change or delete. */
export interface ExistingChange extends Omit<Change, 'created' | 'leftBehind'> {
  readonly physicalId: string;
}

export interface UpdateChange extends ExistingChange {
  readonly oldProperties: Readonly<Record<string, unknown>>;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A resource as its provider made it: what `Ref` and `Fn::GetAtt` answer. */
export interface Provisioned {
  readonly physicalId: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** Makes, changes and deletes resources of one type. */
export interface ResourceProvider {
  /** Every property of the type, and what its change does. */
  readonly properties: Readonly<Record<string, UpdateBehavior>>;
  /** Whether there may be other properties, all of them changed in place. */
  readonly freeForm?: boolean;
  readonly required?: readonly string[];
  /** The property that names the resource: a named resource cannot be replaced under its name. */
  readonly nameProperty?: string;
  /** Whether the stack's tags are its tags too. */
  readonly taggable?: boolean;
  /** Whether `{{resolve:secretsmanager:…}}` in its properties reaches the provider as it is, and not the secret's value. */
  readonly getsSecretReferences?: boolean;
  /** Whether `Ref` or an attribute may change with any update. */
  readonly valuesChangeInPlace?: boolean;
  create(change: Change): Promise<Provisioned>;
  update(change: UpdateChange): Promise<Provisioned>;
  delete(change: ExistingChange): Promise<void>;
}

/** A provider of one of AWS's own types. What its schema says of the properties comes from the spec. */
export interface TypeProvider extends Omit<ResourceProvider, 'properties' | 'required' | 'taggable' | 'freeForm'> {
  /** The properties that mean something here; with any other the template fails. */
  readonly takes: readonly string[];
  /** Those that local-aws cannot change. */
  readonly unchangeable?: readonly string[];
}

/** Finds the provider of a resource type; loud if there is none. */
export type ProviderOf = (type: string) => ResourceProvider;

/** The work was given up because another resource failed. */
export class Cancelled extends Error {}

/** The tags that a resource gets: the stack's and its own, which win. */
export function mergeTags(stackTags: readonly Tag[], own: readonly Tag[]): readonly Tag[] {
  const inherited = stackTags.filter(({ Key }) => !own.some((tag) => tag.Key === Key));
  return [...own, ...inherited];
}

/** `<Stack>-<LogicalId>-<RANDOM>`, cut to a type's limit the way CloudFormation cuts: the random part stays whole. */
export function physicalName(stackName: string, logicalId: string, maximumLength: number): string {
  const suffix = randomSuffix(12);
  const room = maximumLength - suffix.length - 2;
  const id = logicalId.slice(0, Math.max(Math.floor(room / 2), room - stackName.length));
  return `${stackName.slice(0, room - id.length)}-${id}-${suffix}`;
}

/** Letters and digits as in CloudFormation's names. */
export function randomSuffix(length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
  return Array.from(randomBytes(length), (byte) => alphabet.charAt(byte % alphabet.length)).join('');
}
