import type { App } from 'aws-cdk-lib';
import { LISTED_USERS_STACK, readContext } from './context';
import { DeclarationError } from './declaration-error';
import { type MfaUser, withDefaults } from './document';
import { readUsersFile } from './files';
import { keptStacks, type RecordOptions } from './kept-stacks';
import { readMfaUsersDocument } from './read-document';
import { FIRST_STACK, stackNameOf } from './stack-name';
import { declareStacks } from './stacks';

/** What the app knows beside its context. */
export interface UsersAppOptions {
  /** The account that is deployed into, where it is known. */
  readonly account?: string;
  readonly recording: RecordOptions;
}

/** Synthesizes the users that the app's context names; returns false where they are refused, and says why as a warning. */
export function synthesizeUsers(app: App, options: UsersAppOptions): boolean {
  try {
    declareUsers(app, options);
    app.synth();
    return true;
  } catch (error) {
    if (!(error instanceof DeclarationError)) {
      throw error;
    }
    options.recording.warn(error.message);
    return false;
  }
}

/** @throws DeclarationError when the users cannot be deployed as they are declared */
export function declareUsers(app: App, { account, recording }: UsersAppOptions): void {
  const { source, ...context } = readContext(app.node.getAllContext() as Readonly<Record<string, unknown>>);
  if ('users' in source) {
    const stackName = context.stackName ?? LISTED_USERS_STACK;
    keptStacks({ ...source, stackName }, namesOf(source.users), recording);
    const users = source.users.map((user) => withDefaults(user, { RotationId: context.rotationId }));
    declareStacks(app, { users, stackOf: () => 1 }, { stackId: LISTED_USERS_STACK, stackName: context.stackName });
    return;
  }
  const { usersFile } = source;
  const document = readMfaUsersDocument(usersFile, readUsersFile(usersFile), { account });
  const stackName = stackNameOf(usersFile, context.stackName ?? document.StackName);
  const stacks = keptStacks({ ...source, stackName }, namesOf(document.Users), recording);
  const defaults = { ...document.Defaults, RotationId: context.rotationId ?? document.Defaults?.RotationId };
  const users = document.Users.map((user) => withDefaults(user, defaults));
  const declared = { ...document, users, stackOf: ({ UserName }: MfaUser) => stacks.get(UserName) ?? 1 };
  declareStacks(app, declared, { stackId: FIRST_STACK, stackName });
}

function namesOf(users: readonly MfaUser[]): string[] {
  return users.map(({ UserName }) => UserName);
}
