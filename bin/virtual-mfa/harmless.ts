/**
 * Text on one line, without anything that steers a terminal: what was typed, or what AWS, a tag or a secret says, may have such
 * characters.
 */
export function harmless(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\p{Cc}\p{Cf}]/gu, '�');
}

/** JSON without anything that steers a terminal: JSON.stringify escapes no more than the first 32 characters. */
export function asJson(value: unknown, indentation?: number): string {
  return JSON.stringify(value, undefined, indentation).replaceAll(/[\u007f-\u009f\p{Cf}\u2028\u2029]/gu, inEscapes);
}

function inEscapes(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }).join('');
}
