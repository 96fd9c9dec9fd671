import { validationError } from '../../protocol/aws-error';
import type { Change, Provisioned } from '../provider';
import type { Tag } from '../stack';
import { isRecord, sameValue } from '../../protocol/json';

type Properties = Readonly<Record<string, unknown>>;

/** A text property, or undefined where it is absent; numbers and booleans are taken as text, as CloudFormation does. */
export function optionalText(properties: Properties, name: string): string | undefined {
  const value = properties[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw expected(name, 'String', value);
}

/** A text property that is required. */
export function text(properties: Properties, name: string): string {
  const value = optionalText(properties, name);
  if (value === undefined) throw validationError(`#: required key [${name}] not found`);
  return value;
}

export function optionalNumber(properties: Properties, name: string): number | undefined {
  const value = optionalText(properties, name);
  if (value === undefined) return undefined;
  if (Number.isNaN(Number(value))) throw expected(name, 'Number', value);
  return Number(value);
}

export function optionalBoolean(properties: Properties, name: string): boolean | undefined {
  const value = optionalText(properties, name);
  if (value === undefined) return undefined;
  if (value !== 'true' && value !== 'false') throw expected(name, 'Boolean', value);
  return value === 'true';
}

/** A list of texts; empty where it is absent. */
export function texts(properties: Properties, name: string): readonly string[] {
  const value = properties[name] ?? [];
  if (!Array.isArray(value)) throw expected(name, 'List', value);
  return value.map((item, index) => text({ [`${name}/${index}`]: item as unknown }, `${name}/${index}`));
}

/** A structure, whose members are all known; undefined where it is absent. */
export function optionalStructure(
  properties: Properties,
  name: string,
  members: readonly string[],
): Properties | undefined {
  const value = properties[name];
  if (value === undefined) return undefined;
  if (!isRecord(value)) throw expected(name, 'JSONObject', value);
  const unknown = Object.keys(value).find((member) => !members.includes(member));
  if (unknown !== undefined) throw validationError(`local-aws does not implement the property ${name}.${unknown}`);
  return value;
}

/** A list of structures, whose members are all known; empty where it is absent. */
export function structures(properties: Properties, name: string, members: readonly string[]): readonly Properties[] {
  const value = properties[name] ?? [];
  if (!Array.isArray(value)) throw expected(name, 'List', value);
  return value.map((item: unknown) => optionalStructure({ [name]: item }, name, members) ?? {});
}

export function tagsOf(properties: Properties): readonly Tag[] {
  return structures(properties, 'Tags', ['Key', 'Value']).map((tag) => ({
    Key: text(tag, 'Key'),
    Value: text(tag, 'Value'),
  }));
}

/** A policy document as the services take it. */
export function documentText(properties: Properties, name: string): string {
  const value = properties[name];
  if (typeof value === 'string') return value;
  if (!isRecord(value)) throw expected(name, 'JSONObject', value);
  return JSON.stringify(value);
}

/** The properties of these names that are there: the services take them as the template has them. */
export function pick(properties: Properties, ...names: string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.flatMap((name) => (properties[name] === undefined ? [] : [[name, properties[name]]])),
  );
}

/** The tags that an update adds or changes, and the keys of those that it removes. */
export function tagChanges({ properties, oldProperties }: { properties: Properties; oldProperties: Properties }) {
  const [before, after] = [tagsOf(oldProperties), tagsOf(properties)];
  const kept = after.map(({ Key }) => Key);
  const removedKeys = before.map(({ Key }) => Key).filter((key) => !kept.includes(key));
  return { added: difference(before, after).added, removedKeys };
}

export function changed(
  { properties, oldProperties }: { properties: Properties; oldProperties: Properties },
  ...names: string[]
): boolean {
  return names.some((name) => !sameValue(properties[name], oldProperties[name]));
}

/** What two lists do not have in common. */
export function difference<T>(
  before: readonly T[],
  after: readonly T[],
): { added: readonly T[]; removed: readonly T[] } {
  const lacks = (list: readonly T[]) => (item: T) => !list.some((other) => sameValue(item, other));
  return { added: after.filter(lacks(before)), removed: before.filter(lacks(after)) };
}

/** Runs deletions one after the other; what is gone already counts as deleted. */
export async function ignoringAbsence(...steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const step of steps) {
    try {
      await step();
    } catch (thrown) {
      const { code } = thrown as { code?: string };
      if (code === undefined || !/^(NoSuchEntity|ResourceNotFound|NotFound|ParameterNotFound)/.test(code)) throw thrown;
    }
  }
}

/** Makes a resource and the rest that belongs to it, so that a failure of the rest does not lose the resource. */
export function begun({ created }: Change, physicalId: string, attributes: Properties = {}): Provisioned {
  created(physicalId);
  return { physicalId, attributes };
}

function expected(name: string, type: string, value: unknown): Error {
  return validationError(
    `#/${name}: expected type: ${type}, found: ${value === undefined ? 'nothing' : JSON.stringify(value)}`,
  );
}
