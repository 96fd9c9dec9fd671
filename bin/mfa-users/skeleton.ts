import { MFA_USERS_SCHEMA } from './schema';

interface SchemaWithExamples {
  readonly type: string;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SchemaWithExamples>>;
  readonly items?: SchemaWithExamples;
}

/** A sample of mfa-users.json that can be deployed, made of the examples of its schema. */
export function skeleton(): string {
  return `${JSON.stringify(sampleOf(MFA_USERS_SCHEMA), null, 2)}\n`;
}

function sampleOf({ examples, properties, items }: SchemaWithExamples): unknown {
  if (examples !== undefined) {
    return examples[0];
  }
  if (properties !== undefined) {
    return Object.fromEntries(Object.entries(properties).map(([key, property]) => [key, sampleOf(property)]));
  }
  return items === undefined ? undefined : [sampleOf(items)];
}
