export type OneOrMore<T> = T | readonly T[];

/** An IAM policy document. */
export interface PolicyDocument {
  readonly Version?: string;
  readonly Statement: OneOrMore<PolicyStatement>;
}

/** A policy statement. Identity policies have no principal, policies that lie on a resource do. */
export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: '*' | { readonly AWS?: OneOrMore<string>; readonly Service?: OneOrMore<string> };
  readonly Action?: OneOrMore<string>;
  readonly NotAction?: OneOrMore<string>;
  readonly Resource?: OneOrMore<string>;
  readonly NotResource?: OneOrMore<string>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, OneOrMore<string | boolean>>>>>;
}

/** Whether a JSON value has a policy document's shape, as far as AWS refuses one that has not. */
export function isPolicyDocument(value: unknown): value is PolicyDocument {
  const { Statement } = (value ?? {}) as Partial<PolicyDocument>;
  if (typeof Statement !== 'object') return false;
  return listOf(Statement as OneOrMore<Partial<PolicyStatement> | null>).every((statement) => {
    const { Effect = '', Action, NotAction, Resource, NotResource } = statement ?? {};
    const oneAction = (Action === undefined) !== (NotAction === undefined);
    const atMostOneResource = Resource === undefined || NotResource === undefined;
    return ['Allow', 'Deny'].includes(Effect) && oneAction && atMostOneResource;
  });
}

export function listOf<T>(value: OneOrMore<T>): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
