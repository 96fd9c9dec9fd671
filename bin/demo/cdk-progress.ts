import { stripVTControlCharacters } from 'node:util';

/** `VirtualMfaUsers | 5/9 | 12:50:21 AM | CREATE_COMPLETE | AWS::IAM::Policy | ...`; without a total when a stack is deleted. */
const STACK_EVENT = /\|\s*(\d+)(?:\/(\d+))? \|[^|]+\| \w+\s+\| ([\w:]+)/;

/** What the CDK CLI is doing, in a few words, by the last line that it printed; undefined for an empty one. */
export function progressIn(printed: string): string | undefined {
  const line = stripVTControlCharacters(printed).trimEnd().split('\n').at(-1)?.trim();
  if (!line) return undefined;
  const [, done, total, type] = STACK_EVENT.exec(line) ?? [];
  if (done === undefined || type === undefined) return line;
  return `${total === undefined ? `${done} resources done` : `${done} of ${total} resources`}  ${type}`;
}
