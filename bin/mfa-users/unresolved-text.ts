import { holdsDynamicReference } from '../../lambda/contract/property-rules';

/** Text that something later puts another value in place of: what stands in the file is not what is deployed. */
interface UnresolvedText {
  readonly isIn: (text: string) => boolean;
  /** Completes "got …". */
  readonly inWords: string;
}

const KINDS: readonly UnresolvedText[] = [
  {
    // CloudFormation puts the value there, in tags, paths and outputs too, where it is no secret any more.
    isIn: holdsDynamicReference,
    inWords:
      'text with a dynamic reference ({{resolve:…}}), which CloudFormation would replace with a value, even a secret',
  },
  {
    // As text, as a list, and as a number, such as -1.8881545897087626e+289.
    isIn: (text) => /[$#]\{Token\[|-1\.[89]\d*e\+289/i.test(text),
    inWords: 'text with a CDK token (${Token[…]}), which CDK would replace with a value',
  },
];

/** What a text holds in place of a value, in words that do not repeat it; undefined for plain text. */
export function unresolvedIn(text: string): string | undefined {
  return KINDS.find(({ isIn }) => isIn(text))?.inWords;
}
