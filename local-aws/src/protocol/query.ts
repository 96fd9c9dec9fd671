import XMLBuilder from 'fast-xml-builder';
import { parse } from 'qs';
import { AwsError } from './aws-error';

const xml = new XMLBuilder({ format: false, ignoreAttributes: false });

/**
 * Reads a request of the AWS query protocol: `Tags.member.1.Key=team` becomes `{ Tags: [{ Key: 'team' }] }`.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 */
export function readQuery(body: string): { action: string; input: Record<string, unknown> } {
  const {
    Action,
    Version: _version,
    ...input
  } = parse(body, {
    allowDots: true,
    depth: 20,
    parameterLimit: Infinity,
    arrayLimit: 0,
    // Without a prototype every name is a parameter's, `toString` too: none is dropped in silence.
    plainObjects: true,
  });
  if (typeof Action !== 'string') throw new AwsError('MissingAction', 'The request names no action');
  return { action: Action, input: listsOf(input) as Record<string, unknown> };
}

function listsOf(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  const members = (value as { member?: unknown }).member;
  if (entries.length === 1 && members !== null && typeof members === 'object') {
    return Object.entries(members)
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([, member]) => listsOf(member));
  }
  return Object.fromEntries(entries.map(([name, member]) => [name, listsOf(member)]));
}

/** Renders an action's output; keys are the members' names, lists become `<member>` elements, bytes base64, dates ISO 8601. */
export function renderQueryResult(namespace: string, action: string, requestId: string, output: unknown): string {
  return xml.build({
    [`${action}Response`]: {
      '@_xmlns': namespace,
      ...(output === undefined ? {} : { [`${action}Result`]: elementsOf(output) }),
      ResponseMetadata: { RequestId: requestId },
    },
  });
}

/** Renders an error of the query protocol. */
export function renderQueryError(namespace: string, requestId: string, error: AwsError): string {
  return xml.build({
    ErrorResponse: {
      '@_xmlns': namespace,
      Error: { Type: error.status >= 500 ? 'Receiver' : 'Sender', Code: error.code, Message: xmlText(error.message) },
      RequestId: requestId,
    },
  });
}

/** XML has no control characters, not even escaped; a message may quote one that a client sent. */
function xmlText(value: string): string {
  return value.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD');
}

function elementsOf(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'string') return xmlText(value);
  if (Array.isArray(value)) return { member: value.map(elementsOf) };
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => [name, elementsOf(member)]),
  );
}
