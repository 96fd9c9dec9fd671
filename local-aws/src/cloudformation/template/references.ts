import { validationError } from '../../protocol/aws-error';
import { attributeReference, functionCall, substitutions } from './intrinsics';
import { isRecord } from '../../protocol/json';
import type { ResourceDeclaration, Template } from './template';

/** The names that a value refers to through Ref, Fn::GetAtt and Fn::Sub, in both branches of every Fn::If. */
export function referencesIn(value: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  collect(value, found);
  return found;
}

function collect(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, found);
    return;
  }
  if (!isRecord(value)) return;
  const call = functionCall(value);
  if (call?.name === 'Ref' && typeof call.argument === 'string') found.add(call.argument);
  if (call?.name === 'Fn::GetAtt') found.add(attributeReference(call.argument)[0]);
  if (call?.name === 'Fn::Sub') collectSubstitutions(call.argument, found);
  for (const member of Object.values(value)) collect(member, found);
}

function collectSubstitutions(argument: unknown, found: Set<string>): void {
  const [text, own] = (Array.isArray(argument) ? argument : [argument, {}]) as [unknown, unknown];
  if (typeof text !== 'string') return;
  for (const name of substitutions(text)) {
    if (isRecord(own) && name in own) continue;
    found.add(name.split('.')[0] ?? name);
  }
}

/** The resources that a resource waits for. */
export function dependenciesOf(declaration: ResourceDeclaration, template: Template): readonly string[] {
  const names = new Set([...declaration.dependsOn, ...referencesIn(declaration.properties)]);
  return [...names].filter((name) => name in template.resources);
}

/** Refuses a template that refers to what it does not have. */
export function assertReferencesExist(template: Template): void {
  const unresolved = new Set<string>();
  const known = (name: string) => name in template.resources || name in template.parameters || name.startsWith('AWS::');
  for (const { properties, dependsOn } of Object.values(template.resources)) {
    for (const name of referencesIn(properties)) if (!known(name)) unresolved.add(name);
    for (const name of dependsOn) if (!(name in template.resources)) unresolved.add(name);
  }
  if (unresolved.size > 0) throw unresolvedIn('Resources', unresolved);
  for (const name of referencesIn(template.outputs)) if (!known(name)) unresolved.add(name);
  if (unresolved.size > 0) throw unresolvedIn('Outputs', unresolved);
}

function unresolvedIn(section: string, names: ReadonlySet<string>): Error {
  return validationError(
    `Template format error: Unresolved resource dependencies [${[...names].join(', ')}] in the ${section} block of the template`,
  );
}
