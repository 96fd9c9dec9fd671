import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode, SyntaxKind } from 'jsonc-parser';
import { kindOf } from '../../lambda/contract/property-rules';
import { DeclarationError, type Problem, quoted } from './declaration-error';
import { TextPositions } from './text-positions';

/** Where something is in a JSON document: keys and indices, from the root. */
export type JsonPath = readonly (string | number)[];

/** A key or a value that is text. */
export interface JsonText {
  /** Of the value; for a key, of the object that has it. */
  readonly path: JsonPath;
  readonly offset: number;
  readonly text: string;
}

/** What the documents of this package need is six. A parser that calls itself for each level needs an end. */
const MOST_LEVELS = 32;

/** JSON (RFC 8259: no comments, no trailing commas) that knows where in the text each value is. */
export class JsonDocument {
  public readonly value: unknown;
  private readonly positions: TextPositions;
  /** Of each object that was asked for: a search through thousands of keys, for each of them, would take minutes. */
  private readonly properties = new Map<Node, ReadonlyMap<string, Node>>();

  private constructor(
    text: string,
    private readonly root: Node,
    private readonly isKnownKey: (key: string) => boolean,
  ) {
    this.value = valueOf(root);
    this.positions = new TextPositions(text);
  }

  /**
   * @param remedy completes the error for text that is not JSON
   * @param isKnownKey whether an error may repeat a key; any other key may be a secret
   * @throws DeclarationError for text that is not JSON, with the first place where it is not; for JSON that is too deep
   */
  public static parse(file: string, text: string, remedy: string, isKnownKey: (key: string) => boolean): JsonDocument {
    const tooDeep = offsetBelowLevel(MOST_LEVELS, text);
    if (tooDeep !== undefined) {
      const message = `got more than ${MOST_LEVELS} lists and objects inside one another; allowed: ${MOST_LEVELS}. ${remedy}`;
      throw DeclarationError.inFile(file, text, [{ offset: tooDeep, message }]);
    }
    const errors: ParseError[] = [];
    const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
    // The others follow from it.
    const [first] = errors;
    if (root === undefined || first !== undefined) {
      const problems = first === undefined ? [] : [syntaxProblem(text, first, remedy)];
      throw DeclarationError.inFile(file, text, problems);
    }
    return new JsonDocument(text, root, isKnownKey);
  }

  /** A path of text only, with an index where the document has a list. */
  public pathOf(segments: readonly string[]): JsonPath {
    const path: (string | number)[] = [];
    for (const segment of segments) {
      path.push(this.nodeAt(path).type === 'array' ? Number(segment) : segment);
    }
    return path;
  }

  /** Offset of the value at this path; of the innermost value on the way that there is. */
  public offsetOf(path: JsonPath): number {
    return this.nodeAt(path).offset;
  }

  /** Offset of a key of the object at this path. */
  public offsetOfKey(path: JsonPath, key: string): number {
    const object = this.nodeAt(path);
    return (this.propertyOf(object, key) ?? object).offset;
  }

  /** A path in words: `Users[2].UserName`. */
  public inWords(path: JsonPath): string {
    const segments = path.map((segment) => {
      if (typeof segment === 'number') return `[${segment}]`;
      return this.isKnownKey(segment) ? `.${segment}` : `[${kindOf(segment)}]`;
    });
    return segments.length === 0 ? 'the document' : segments.join('').replace(/^\./, '');
  }

  public lineOf(path: JsonPath): number {
    return this.positions.lineOf(this.offsetOf(path));
  }

  /** Every key and every value that is text. */
  public texts(): JsonText[] {
    return textsBelow(this.root, []);
  }

  /** Keys that stand twice in an object: which one counts is left open by RFC 8259. */
  public duplicateKeys(remedy: string): Problem[] {
    return this.duplicateKeysBelow(this.root, [], remedy);
  }

  private duplicateKeysBelow(node: Node, path: JsonPath, remedy: string): Problem[] {
    const children = node.children ?? [];
    if (node.type === 'array') {
      return children.flatMap((child, index) => this.duplicateKeysBelow(child, [...path, index], remedy));
    }
    if (node.type !== 'object') {
      return [];
    }
    const firsts = new Map<string, Node>();
    return children.flatMap((property) => {
      const key = keyOf(property);
      const first = firsts.get(key);
      firsts.set(key, first ?? property);
      const value = property.children?.[1];
      const below = value === undefined ? [] : this.duplicateKeysBelow(value, [...path, key], remedy);
      if (first === undefined) {
        return below;
      }
      const message =
        `${this.inWords(path)}: got ${this.isKnownKey(key) ? `the key ${quoted(key)}` : 'a key'}, which line ${this.positions.lineOf(first.offset)} already has; ` +
        `allowed: each key once. ${remedy}`;
      return [{ offset: property.offset, message }, ...below];
    });
  }

  private nodeAt(path: JsonPath): Node {
    let node = this.root;
    for (const segment of path) {
      const next =
        typeof segment === 'number' ? node.children?.[segment] : this.propertyOf(node, segment)?.children?.[1];
      if (next === undefined) {
        return node;
      }
      node = next;
    }
    return node;
  }

  /** Of a key that stands twice, the last value counts, as in JSON.parse. */
  private propertyOf(object: Node, key: string): Node | undefined {
    const known = this.properties.get(object);
    const children = object.type === 'object' ? (object.children ?? []) : [];
    const properties = known ?? new Map(children.map((property) => [keyOf(property), property]));
    this.properties.set(object, properties);
    return properties.get(key);
  }
}

/** A part of a text that is not JSON; only what has no place in a secret is repeated. */
function tokenInWords(token: string): string {
  return /^[[\]{},:]$/.test(token) ? quoted(token) : kindOf(token);
}

function syntaxProblem(text: string, { error, offset, length }: ParseError, remedy: string): Problem {
  const rule = printParseErrorCode(error)
    .replace(/([A-Z])/g, ' $1')
    .trim()
    .toLowerCase();
  const got =
    length === 0 || offset >= text.length ? 'the end of the file' : tokenInWords(text.slice(offset, offset + length));
  return {
    offset,
    message: `not JSON: got ${got} (${rule}); allowed: JSON without comments and without trailing commas. ${remedy}`,
  };
}

/** Where a text first opens more lists and objects inside one another than these. */
function offsetBelowLevel(most: number, text: string): number | undefined {
  const scanner = createScanner(text, true);
  let level = 0;
  for (let token = scanner.scan(); token !== SyntaxKind.EOF; token = scanner.scan()) {
    if (token === SyntaxKind.OpenBraceToken || token === SyntaxKind.OpenBracketToken) level += 1;
    if (token === SyntaxKind.CloseBraceToken || token === SyntaxKind.CloseBracketToken) level -= 1;
    if (level > most) return scanner.getTokenOffset();
  }
  return undefined;
}

function textsBelow(node: Node, path: JsonPath): JsonText[] {
  const children = node.children ?? [];
  if (node.type === 'array') {
    return children.flatMap((child, index) => textsBelow(child, [...path, index]));
  }
  if (node.type === 'object') {
    return children.flatMap((property) => {
      const [key, value] = [keyOf(property), property.children?.[1]];
      return [
        { path, offset: property.offset, text: key },
        ...(value === undefined ? [] : textsBelow(value, [...path, key])),
      ];
    });
  }
  return node.type === 'string' ? [{ path, offset: node.offset, text: String(node.value) }] : [];
}

function keyOf(property: Node): string {
  return String(property.children?.[0]?.value);
}

/** Unlike jsonc-parser's own, a key `__proto__` is a key like any other. */
function valueOf(node: Node): unknown {
  const children = node.children ?? [];
  if (node.type === 'object') {
    return Object.fromEntries(
      children.map((property) => [keyOf(property), property.children?.[1] && valueOf(property.children[1])]),
    );
  }
  return node.type === 'array' ? children.map(valueOf) : node.value;
}
