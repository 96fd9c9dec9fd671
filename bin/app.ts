#!/usr/bin/env node
import { App } from 'aws-cdk-lib';
import { isCI } from 'ci-info';
import { LISTED_USERS_STACK, readContext } from './mfa-users/context';
import { DeclarationError } from './mfa-users/declaration-error';
import { type MfaUser, withDefaults } from './mfa-users/document';
import { readUsersFile } from './mfa-users/files';
import { keptStacks } from './mfa-users/kept-stacks';
import { readMfaUsersDocument } from './mfa-users/read-document';
import { FIRST_STACK, stackNameOf } from './mfa-users/stack-name';
import { declareStacks } from './mfa-users/stacks';

// Without autoSynth, for an app that is refused must not leave an empty assembly.
const app = new App({ autoSynth: false });
try {
  declareUsers(app);
  app.synth();
} catch (error) {
  if (!(error instanceof DeclarationError)) {
    throw error;
  }
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

function declareUsers(app: App): void {
  const { source, ...context } = readContext(app.node.getAllContext() as Readonly<Record<string, unknown>>);
  const recording = { writable: !isCI, warn: (message: string) => process.stderr.write(`${message}\n`) };
  if ('users' in source) {
    const stackName = context.stackName ?? LISTED_USERS_STACK;
    keptStacks({ ...source, stackName }, namesOf(source.users), recording);
    const users = source.users.map((user) => withDefaults(user, { RotationId: context.rotationId }));
    declareStacks(app, { users, stackOf: () => 1 }, { stackId: LISTED_USERS_STACK, stackName: context.stackName });
    return;
  }
  const { usersFile } = source;
  // The CDK CLI asks AWS for it before each synthesis, where it has credentials.
  const account = process.env.CDK_DEFAULT_ACCOUNT;
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
