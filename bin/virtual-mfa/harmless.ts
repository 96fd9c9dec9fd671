/**
 * Text on one line, without anything that steers a terminal: what was typed, or what AWS, a tag or a secret says, may have such
 * characters.
 */
export function harmless(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\p{Cc}\p{Cf}]/gu, '�');
}
