import { type Action, action } from '../service';
import { page, paging, text } from './inputs';
import type { IamState } from './state';

/** @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html */
const accountAlias = text({ min: 3, max: 63, pattern: /^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$/ });

/** The one alias that an account may have; a new one takes the place of the old. */
export function accountAliasActions(state: IamState): Record<string, Action> {
  return {
    CreateAccountAlias: action({
      input: { AccountAlias: accountAlias },
      authorize: () => ({ action: 'iam:CreateAccountAlias', resource: '*' }),
      run: ({ AccountAlias }) => {
        state.accountAlias = AccountAlias;
      },
    }),

    ListAccountAliases: action({
      input: paging,
      authorize: () => ({ action: 'iam:ListAccountAliases', resource: '*' }),
      run: (paged) => {
        const { items, ...rest } = page(state.accountAlias === undefined ? [] : [state.accountAlias], paged);
        return { AccountAliases: items, ...rest };
      },
    }),
  };
}
