/**
 * What one stack holds: each user has up to four resources of the 500 that CloudFormation takes. The others are for all users:
 * the function with its role, the enforcement, and the groups.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
 */
export const USERS_PER_STACK = 110;

/** The groups that a file creates or its users join. The first stack has two resources for each: the group, and its users. */
export const GROUPS_OF_ALL_USERS = 16;

/** The number of a user's stack, counted from 1. */
export type StackNumber = number;

/** The users that have been given a stack before, in whichever case they are written. */
export class RecordedStacks {
  public static readonly NONE = new RecordedStacks([]);

  public readonly userNames: readonly string[];
  private readonly stacks: ReadonlyMap<string, StackNumber>;

  public constructor(recorded: Iterable<readonly [userName: string, stack: StackNumber]>) {
    const stacks = [...recorded];
    this.userNames = stacks.map(([userName]) => userName);
    this.stacks = new Map(stacks.map(([userName, stack]) => [userName.toLowerCase(), stack]));
  }

  public stackOf(userName: string): StackNumber | undefined {
    return this.stacks.get(userName.toLowerCase());
  }
}

/**
 * Gives each user a stack. A recorded user stays; a new one goes, in the order given, to the first stack with room. The
 * room of users who are no longer there is free.
 *
 * Why a record: another user must not move a device from one stack to another, which would replace it. No function of
 * the users alone fills stacks and keeps everybody in place.
 */
export function assignStacks(userNames: readonly string[], recorded: RecordedStacks): ReadonlyMap<string, StackNumber> {
  const size = new Map<StackNumber, number>();
  const sizeOf = (stack: StackNumber) => size.get(stack) ?? 0;
  const settle = (stack: StackNumber): StackNumber => {
    size.set(stack, sizeOf(stack) + 1);
    return stack;
  };
  const stayed = userNames.map((userName) => {
    const stack = recorded.stackOf(userName);
    return stack === undefined ? undefined : settle(stack);
  });
  // Stacks before this one are full, and none gets room while users are being placed.
  let first: StackNumber = 1;
  return new Map(
    userNames.map((userName, index) => {
      const stack = stayed[index];
      if (stack !== undefined) {
        return [userName, stack];
      }
      while (sizeOf(first) >= USERS_PER_STACK) first++;
      return [userName, settle(first)];
    }),
  );
}
