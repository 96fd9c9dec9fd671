#!/usr/bin/env node
import { resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { DEFAULT_USERS_FILE, LISTED_USERS_STACK, readContext } from './mfa-users/context';
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
    declareStacks(app, source.users, () => 1, { ...context, stackId: LISTED_USERS_STACK });
    return;
  }
  const { usersFile } = source;
  // The CDK CLI asks AWS for it before each synthesis, where it has credentials.
  const account = process.env.CDK_DEFAULT_ACCOUNT;
  const {
    StackName: declaredName,
    RotationId: rotationId,
    Users: users,
  } = readMfaUsersDocument(usersFile, readUsersFile(usersFile), { account });
  const stackName = context.stackName ?? declaredName;
  if (stackName === undefined && resolve(usersFile) !== resolve(DEFAULT_USERS_FILE)) {
    throw new DeclarationError(
      `${usersFile}: got no StackName; allowed: a name of its own for every file but ${DEFAULT_USERS_FILE}, for two files ` +
        'with one stack would delete each other’s devices. Add the key, or pass -c stackName=….',
    );
  }
  const userNames = users.map(({ UserName }) => UserName);
  const stacks = keptStacks(source, userNames, { writable: !isCi(process.env) });
  declareStacks(app, users, ({ UserName }) => stacks.get(UserName) ?? 1, {
    stackId: 'VirtualMfaStack',
    stackName,
    rotationId: context.rotationId ?? rotationId,
  });
}
