import type { Actions } from '../service';
import { page } from './inputs';
import type { IamState } from './state';

/** The one alias that an account may have; a new one takes the place of the old. */
export function accountAliasActions(state: IamState): Actions<'iam'> {
  return {
    CreateAccountAlias: {
      takes: ['AccountAlias'],
      run: ({ AccountAlias }) => {
        state.accountAlias = AccountAlias;
      },
    },

    ListAccountAliases: {
      takes: ['Marker', 'MaxItems'],
      run: (paged) => {
        const { items, ...rest } = page(state.accountAlias === undefined ? [] : [state.accountAlias], paged);
        return { AccountAliases: items, ...rest };
      },
    },
  };
}
