#!/usr/bin/env node
import { App } from 'aws-cdk-lib';
import { readContext } from './mfa-users/context';
import { DeclarationError } from './mfa-users/declaration-error';
import { readUsersFile } from './mfa-users/files';
import { isCi, keptStacks } from './mfa-users/kept-stacks';
import { readMfaUsersDocument } from './mfa-users/read-document';
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
  if ('users' in source) {
    declareStacks(app, source.users, () => 1, context);
    return;
  }
  const { usersFile } = source;
  const {
    StackName: stackName,
    RotationId: rotationId,
    Users: users,
  } = readMfaUsersDocument(usersFile, readUsersFile(usersFile));
  const userNames = users.map(({ UserName }) => UserName);
  const stacks = keptStacks(usersFile, userNames, { writable: !isCi(process.env) });
  declareStacks(app, users, ({ UserName }) => stacks.get(UserName) ?? 1, {
    ...context,
    stackName: context.stackName ?? stackName,
    rotationId: context.rotationId ?? rotationId,
  });
}
