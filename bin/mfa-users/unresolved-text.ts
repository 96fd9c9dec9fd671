/** Text that something later puts another value in place of: what stands in the file is not what is deployed. */
interface UnresolvedText {
  readonly pattern: RegExp;
  /** Completes "got …". */
  readonly inWords: string;
}

const KINDS: readonly UnresolvedText[] = [
  {
    // CloudFormation puts the value there, in tags, paths and outputs too, where it is no secret any more.
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
    pattern: /\{\{\s*resolve\s*:/i,
    inWords:
      'text with a dynamic reference ({{resolve:…}}), for which CloudFormation would put in a value, even a secret',
  },
  {
    // As text, as a list, and as a number, such as -1.8881545897087626e+289.
    pattern: /[$#]\{Token\[|-1\.[89]\d*e\+289/i,
    inWords: 'text with a CDK token (${Token[…]}), for which the CDK would put in a value',
  },
];

/** What a text holds in place of a value, in words that do not repeat it; undefined for plain text. */
export function unresolvedIn(text: string): string | undefined {
  return KINDS.find(({ pattern }) => pattern.test(text))?.inWords;
}
