import { desiredProperties, type Engine } from './engine/stack-operations';
import { StackScope, valuesOf } from './engine/stack-scope';
import type { ResourceChange, ResourceChangeDetail, Stack, StackDefinition } from './stack';
import { KNOWN_AFTER_APPLY } from './template/intrinsics';
import { isRecord, sameValue } from '../protocol/json';
import type { Graph } from './template/graph';

/** The changes that take a stack to a definition, in the order of their logical ids. */
export function plannedChanges(engine: Engine, stack: Stack, definition: StackDefinition): readonly ResourceChange[] {
  const unknown = new Set<string>();
  const scope = new StackScope(engine.account, engine.registry, stack, definition, (logicalId) => {
    const existing = stack.resources.get(logicalId);
    if (existing && !unknown.has(logicalId)) return valuesOf(existing);
    return { ref: KNOWN_AFTER_APPLY, getAtt: () => KNOWN_AFTER_APPLY };
  });
  const graph = scope.graph();
  const changes: ResourceChange[] = [];
  for (const logicalId of dependenciesFirst(graph)) {
    const change = plannedChange(engine, stack, scope, logicalId);
    if (!change) continue;
    changes.push(change);
    const { type } = definition.template.resources[logicalId] ?? {};
    const valuesMayChange = type !== undefined && engine.providerOf(type).valuesChangeInPlace === true;
    if (change.Replacement === 'True' || change.Action === 'Add' || valuesMayChange) unknown.add(logicalId);
  }
  for (const { logicalId, type, physicalId, deletionPolicy } of stack.resources.values()) {
    if (graph.has(logicalId)) continue;
    changes.push({
      Action: 'Remove',
      LogicalResourceId: logicalId,
      PhysicalResourceId: physicalId,
      ResourceType: type,
      PolicyAction: deletionPolicy === 'Delete' ? 'Delete' : 'Retain',
      Scope: [],
      Details: [],
    });
  }
  return changes.sort((a, b) => a.LogicalResourceId.localeCompare(b.LogicalResourceId));
}

/** Whether a definition differs in anything that CloudFormation takes for an update, besides the resources. */
export function definitionChanged(before: StackDefinition | undefined, after: StackDefinition): boolean {
  if (!before) return true;
  return !sameValue(before.template.outputs, after.template.outputs) || !sameValue(sorted(before), sorted(after));
}

function sorted({ tags }: StackDefinition): unknown {
  return [...tags].sort((a, b) => a.Key.localeCompare(b.Key));
}

function dependenciesFirst(graph: Graph): readonly string[] {
  const ordered = new Set<string>();
  const visit = (node: string) => {
    if (ordered.has(node)) return;
    for (const dependency of graph.get(node) ?? []) visit(dependency);
    ordered.add(node);
  };
  for (const node of graph.keys()) visit(node);
  return [...ordered];
}

function plannedChange(engine: Engine, stack: Stack, scope: StackScope, logicalId: string): ResourceChange | undefined {
  const declaration = scope.definition.template.resources[logicalId];
  if (!declaration) return undefined;
  const { type } = declaration;
  const properties = desiredProperties(engine.providerOf, scope, logicalId);
  const existing = stack.resources.get(logicalId);
  if (!existing) {
    return {
      Action: 'Add',
      LogicalResourceId: logicalId,
      ResourceType: type,
      Scope: [],
      Details: [],
      AfterContext: JSON.stringify({ Properties: properties }),
    };
  }
  const behaviors = engine.providerOf(type).properties;
  const details = Object.keys({ ...existing.properties, ...properties })
    .filter((name) => existing.incomplete || !sameValue(existing.properties[name], properties[name]))
    .map((name) =>
      propertyChange(name, existing.properties[name], properties[name], behaviors[name] === 'replacement'),
    );
  const before = stack.definition?.template.resources[logicalId];
  const attributes = (
    [
      ['Metadata', before?.metadata, declaration.metadata],
      ['DeletionPolicy', before?.deletionPolicy, declaration.deletionPolicy],
      ['UpdateReplacePolicy', before?.updateReplacePolicy, declaration.updateReplacePolicy],
    ] as const
  ).filter(([, old, wanted]) => !sameValue(old, wanted));
  if (details.length === 0 && attributes.length === 0) return undefined;
  const replaced = details.filter(({ Target }) => Target.RequiresRecreation === 'Always');
  const isDynamic = replaced.length > 0 && replaced.every(({ Evaluation }) => Evaluation === 'Dynamic');
  const replacement = replaced.length === 0 ? 'False' : isDynamic ? 'Conditional' : 'True';
  return {
    Action: 'Modify',
    LogicalResourceId: logicalId,
    PhysicalResourceId: existing.physicalId,
    ResourceType: type,
    Replacement: replacement,
    ...(replaced.length > 0
      ? { PolicyAction: existing.updateReplacePolicy === 'Delete' ? 'ReplaceAndDelete' : 'ReplaceAndRetain' }
      : {}),
    Scope: [
      ...(details.some(({ Target }) => Target.Attribute === 'Properties') ? ['Properties'] : []),
      ...(details.some(({ Target }) => Target.Attribute === 'Tags') ? ['Tags'] : []),
      ...attributes.map(([name]) => name),
    ],
    Details: [
      ...details,
      ...attributes.map(([name]): ResourceChangeDetail => ({
        Target: { Attribute: name, RequiresRecreation: 'Never' },
        Evaluation: 'Static',
        ChangeSource: 'DirectModification',
      })),
    ],
    BeforeContext: JSON.stringify({ Properties: existing.properties }),
    AfterContext: JSON.stringify({ Properties: properties }),
  };
}

function propertyChange(name: string, before: unknown, after: unknown, replaces: boolean): ResourceChangeDetail {
  const type = before === undefined ? 'Add' : after === undefined ? 'Remove' : 'Modify';
  const isDynamic = JSON.stringify(after ?? null).includes(KNOWN_AFTER_APPLY);
  return {
    Target: {
      Attribute: name === 'Tags' ? 'Tags' : 'Properties',
      ...(name === 'Tags' ? {} : { Name: name }),
      RequiresRecreation: replaces ? 'Always' : 'Never',
      Path: `/Properties/${name}`,
      ...(before === undefined ? {} : { BeforeValue: shown(before) }),
      ...(after === undefined ? {} : { AfterValue: shown(after) }),
      AttributeChangeType: type,
    },
    Evaluation: isDynamic ? 'Dynamic' : 'Static',
    ChangeSource: isDynamic ? 'ResourceAttribute' : 'DirectModification',
  };
}

function shown(value: unknown): string {
  return isRecord(value) || Array.isArray(value) ? JSON.stringify(value) : String(value);
}
