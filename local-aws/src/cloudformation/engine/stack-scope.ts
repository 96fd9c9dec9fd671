import type { Account } from '../../account';
import { notImplemented, validationError } from '../../protocol/aws-error';
import type { ProvisionedResource, Stack, StackDefinition } from '../stack';
import type { StackRegistry } from '../stack-registry';
import { closure, type Graph } from '../template/graph';
import { evaluate, evaluateCondition, NO_VALUE, type Scope } from '../template/intrinsics';
import { dependenciesOf } from '../template/references';
import type { OutputDeclaration } from '../template/template';

/** What a resource stands for in a template: `Ref` and `Fn::GetAtt`. */
export interface ResourceValues {
  readonly ref: unknown;
  getAtt(attribute: string): unknown;
}

/** Evaluates a stack's template against the parameters, the resources that exist so far, and the exports of other stacks. */
export class StackScope implements Scope {
  readonly region: string;
  /** The exports that were asked for. */
  readonly imports = new Set<string>();
  readonly #conditions = new Map<string, boolean>();

  constructor(
    private readonly account: Account,
    private readonly registry: StackRegistry,
    private readonly stack: Pick<Stack, 'id' | 'name'>,
    readonly definition: StackDefinition,
    private readonly resource: (logicalId: string) => ResourceValues | undefined,
  ) {
    this.region = account.region;
  }

  ref(name: string): unknown {
    const parameter = this.definition.parameters.find(({ key }) => key === name);
    if (parameter) return parameter.resolved;
    if (name.startsWith('AWS::')) return this.#pseudoParameter(name);
    return this.#resource(name).ref;
  }

  getAtt(logicalId: string, attribute: string): unknown {
    return this.#resource(logicalId).getAtt(attribute);
  }

  condition(name: string): boolean {
    const known = this.#conditions.get(name);
    if (known !== undefined) return known;
    if (!(name in this.definition.template.conditions)) {
      throw validationError(`Template error: unresolved condition dependency ${name}`);
    }
    const value = evaluateCondition(this.definition.template.conditions[name], this);
    this.#conditions.set(name, value);
    return value;
  }

  mapping(name: string): unknown {
    return this.definition.template.mappings[name];
  }

  importValue(name: string): unknown {
    const found = this.registry.exports().find((candidate) => candidate.name === name);
    if (!found) throw validationError(`No export named ${name} found.`);
    this.imports.add(name);
    return found.output.value;
  }

  /** The ids of the resources whose condition holds, with the ids that each depends on. */
  graph(): Graph {
    const { template } = this.definition;
    const active = Object.entries(template.resources).filter(([, { condition }]) => this.#holds(condition));
    const ids = new Set(active.map(([logicalId]) => logicalId));
    return new Map(
      active.map(([logicalId, declaration]) => [
        logicalId,
        new Set(dependenciesOf(declaration, template).filter((name) => ids.has(name))),
      ]),
    );
  }

  /** The outputs whose condition holds. */
  outputs(): readonly (readonly [string, OutputDeclaration])[] {
    return Object.entries(this.definition.template.outputs).filter(([, { Condition }]) => this.#holds(Condition));
  }

  /** Throws if one of the template's rules does not hold. */
  assertRules(): void {
    for (const [name, { RuleCondition, Assertions }] of Object.entries(this.definition.template.rules)) {
      if (RuleCondition !== undefined && !evaluateCondition(RuleCondition, this)) continue;
      for (const { Assert, AssertDescription = name } of Assertions) {
        if (!evaluateCondition(Assert, this)) {
          throw validationError(`Template constraint violated, rule ${name}: ${AssertDescription}`);
        }
      }
    }
  }

  evaluate(value: unknown): unknown {
    return evaluate(value, this);
  }

  #holds(condition: string | undefined): boolean {
    return condition === undefined || this.condition(condition);
  }

  #resource(logicalId: string): ResourceValues {
    const found = this.resource(logicalId);
    if (!found) throw validationError(`Unresolved resource dependencies [${logicalId}]`);
    return found;
  }

  #pseudoParameter(name: string): unknown {
    switch (name) {
      case 'AWS::AccountId':
        return this.account.accountId;
      case 'AWS::NoValue':
        return NO_VALUE;
      case 'AWS::NotificationARNs':
        return this.definition.notificationArns;
      case 'AWS::Partition':
        return this.account.partition;
      case 'AWS::Region':
        return this.account.region;
      case 'AWS::StackId':
        return this.stack.id;
      case 'AWS::StackName':
        return this.stack.name;
      case 'AWS::URLSuffix':
        return this.account.partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
      default:
        throw notImplemented(`the pseudo parameter ${name}`);
    }
  }
}

/** What a resource that exists stands for in its template. */
export function valuesOf(resource: ProvisionedResource): ResourceValues {
  return {
    ref: resource.physicalId,
    getAtt: (attribute) => {
      const value = resource.attributes[attribute];
      if (value !== undefined) return value;
      throw validationError(
        resource.type.startsWith('Custom::') || resource.type === 'AWS::CloudFormation::CustomResource'
          ? `CustomResource attribute error: Vendor response doesn't contain ${attribute} attribute in object ${resource.physicalId}`
          : `Requested attribute ${attribute} does not exist in schema for ${resource.type}, or local-aws does not implement it`,
      );
    },
  };
}

/**
 * The dependencies among provisioned resources as their own templates had them, also those through resources that are
 * not among them; of those the others tell the dependencies.
 */
export function provisionedGraph(
  nodes: ReadonlyMap<string, ProvisionedResource>,
  others: Iterable<ProvisionedResource>,
): Graph {
  const declared = new Map<string, ReadonlySet<string>>();
  for (const { logicalId, dependsOn } of nodes.values()) {
    declared.set(logicalId, new Set([...(declared.get(logicalId) ?? []), ...dependsOn]));
  }
  for (const { logicalId, dependsOn } of others) {
    if (!declared.has(logicalId)) declared.set(logicalId, new Set(dependsOn));
  }
  const reach = closure(declared);
  return new Map(
    [...nodes].map(([node, { logicalId }]) => {
      const reached = reach.get(logicalId) ?? new Set();
      const dependencies = [...nodes].filter(
        ([, other]) => reached.has(other.logicalId) && other.logicalId !== logicalId,
      );
      return [node, new Set(dependencies.map(([other]) => other))];
    }),
  );
}
