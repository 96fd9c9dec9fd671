import actions from '../../spec/actions.json';

/** The type of a member, and what AWS's model allows. */
export interface Shape {
  readonly type: 'string' | 'integer' | 'long' | 'boolean' | 'list' | 'map' | 'structure' | 'blob' | 'timestamp';
  readonly required?: boolean;
  /** Of a number; of the length of a text or a list. */
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  /** No error repeats it. */
  readonly sensitive?: boolean;
  /** Of a structure. */
  readonly members?: Readonly<Record<string, Shape>>;
  /** Of a list or a map. */
  readonly member?: Shape;
}

/** What AWS's model says of an action. */
export interface ActionSpec {
  readonly input: Readonly<Record<string, Shape>>;
  readonly errors: readonly (readonly [code: string, status: number])[];
}

export type ServiceSpec = Readonly<Record<string, ActionSpec>>;

const services = actions.services as unknown as Readonly<Record<string, ServiceSpec>>;

/** What AWS's public models say of a service's actions that local-aws has: see `local-aws/scripts/write-spec.ts`. */
export function specOf(service: string): ServiceSpec {
  return services[service] ?? {};
}

/** The errors that AWS documents for an action: `iam:EnableMFADevice`. */
export function documentedErrors(action: string): ActionSpec['errors'] {
  const [service = '', name = ''] = action.split(':');
  const spec = specOf(service)[name];
  if (!spec) throw new Error(`The spec has no ${action}`);
  return spec.errors;
}
