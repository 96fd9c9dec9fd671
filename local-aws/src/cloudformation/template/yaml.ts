import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import { notImplemented } from '../../protocol/aws-error';
import { validationError } from '../errors';

/** YAML's short forms: `!Sub x` stands for `Fn::Sub: x`. */
const SHORT_FORMS = [
  'And',
  'Base64',
  'Contains',
  'Equals',
  'FindInMap',
  'GetAZs',
  'If',
  'ImportValue',
  'Join',
  'Not',
  'Or',
  'Select',
  'Split',
  'Sub',
];

/** Parses a template body: JSON, or YAML with CloudFormation's short forms. */
export function parseBody(body: string): unknown {
  if (body.trimStart().startsWith('{')) return parseJson(body);
  const document = parseDocument(body, { merge: true });
  const [error] = document.errors;
  if (error) throw validationError(`Template format error: YAML not well-formed. (${error.message})`);

  const valueOf = (node: unknown): unknown => {
    if (isAlias(node)) return valueOf(node.resolve(document));
    const value = untagged(node);
    const tag = (node as Node | null)?.tag;
    if (tag === undefined || !tag.startsWith('!')) return value;
    const name = tag.slice(1);
    if (name === 'Ref' || name === 'Condition') return { [name]: value };
    if (name === 'GetAtt') return { 'Fn::GetAtt': value };
    if (SHORT_FORMS.includes(name)) return { [`Fn::${name}`]: value };
    throw notImplemented(`the YAML tag ${tag}`);
  };
  const untagged = (node: unknown): unknown => {
    if (isMap(node)) {
      return Object.fromEntries(node.items.map(({ key, value }) => [String(valueOf(key)), valueOf(value)]));
    }
    if (isSeq(node)) return node.items.map(valueOf);
    return isScalar(node) ? node.value : null;
  };
  return valueOf(document.contents);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (thrown) {
    throw validationError(`Template format error: JSON not well-formed. (${(thrown as Error).message})`);
  }
}
