import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { DeclarationError, inWords, lineAt, type Problem } from './declaration-error';

/** Where something is in a JSON document: keys and indices, from the root. */
export type JsonPath = readonly (string | number)[];

/** JSON (RFC 8259: no comments, no trailing commas) that knows where in the text each value is. */
export class JsonDocument {
  public readonly value: unknown;

  private constructor(
    private readonly text: string,
    private readonly root: Node,
  ) {
    this.value = valueOf(root);
  }

  /**
   * @param remedy completes the error for text that is not JSON
   * @throws DeclarationError for text that is not JSON, with every place where it is not
   */
  public static parse(file: string, text: string, remedy: string): JsonDocument {
    const errors: ParseError[] = [];
    const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
    if (root === undefined || errors.length > 0) {
      // What follows from an error at the same place would only hide it.
      const firsts = errors.filter(
        ({ offset }, index) => errors.findIndex((other) => other.offset === offset) === index,
      );
      const problems = firsts.map((error) => syntaxProblem(text, error, remedy));
      throw DeclarationError.inFile(file, text, problems);
    }
    return new JsonDocument(text, root);
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
    return (propertyOf(object, key) ?? object).offset;
  }

  public lineOf(path: JsonPath): number {
    return lineAt(this.text, this.offsetOf(path));
  }

  /** Keys that stand twice in an object: which one counts is left open by RFC 8259. */
  public duplicateKeys(remedy: string): Problem[] {
    return duplicateKeysBelow(this.text, this.root, [], remedy);
  }

  private nodeAt(path: JsonPath): Node {
    let node = this.root;
    for (const segment of path) {
      const next = typeof segment === 'number' ? node.children?.[segment] : propertyOf(node, segment)?.children?.[1];
      if (next === undefined) {
        return node;
      }
      node = next;
    }
    return node;
  }
}

/** A path in words: `Users[2].UserName`. */
export function pathInWords(path: JsonPath): string {
  return path.length === 0
    ? 'the document'
    : path
        .map((segment) =>
          typeof segment === 'number' || !/^[\w$-]+$/.test(segment) ? `[${inWords(segment)}]` : `.${segment}`,
        )
        .join('')
        .replace(/^\./, '');
}

function syntaxProblem(text: string, { error, offset, length }: ParseError, remedy: string): Problem {
  const rule = printParseErrorCode(error)
    .replace(/([A-Z])/g, ' $1')
    .trim()
    .toLowerCase();
  const got =
    length === 0 || offset >= text.length ? 'the end of the file' : inWords(text.slice(offset, offset + length));
  return {
    offset,
    message: `not JSON: got ${got} (${rule}); allowed: JSON without comments and without trailing commas. ${remedy}`,
  };
}

/** Of a key that stands twice, the last value counts, as in JSON.parse. */
function propertyOf(object: Node, key: string): Node | undefined {
  return object.type === 'object' ? object.children?.findLast((property) => keyOf(property) === key) : undefined;
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

function duplicateKeysBelow(text: string, node: Node, path: JsonPath, remedy: string): Problem[] {
  const children = node.children ?? [];
  if (node.type === 'array') {
    return children.flatMap((child, index) => duplicateKeysBelow(text, child, [...path, index], remedy));
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
    const below = value === undefined ? [] : duplicateKeysBelow(text, value, [...path, key], remedy);
    if (first === undefined) {
      return below;
    }
    const message =
      `${pathInWords(path)}: got the key ${inWords(key)}, which line ${lineAt(text, first.offset)} has already; ` +
      `allowed: each key once. ${remedy}`;
    return [{ offset: property.offset, message }, ...below];
  });
}
