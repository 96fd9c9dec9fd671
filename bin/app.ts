#!/usr/bin/env node
import { App } from 'aws-cdk-lib';
import { isCI } from 'ci-info';
import { synthesizeUsers } from './mfa-users/users-app';

// Without autoSynth, for an app that is refused must not leave an empty assembly.
const isSynthesized = synthesizeUsers(new App({ autoSynth: false }), {
  // The CDK CLI asks AWS for it before each synthesis, where it has credentials.
  account: process.env.CDK_DEFAULT_ACCOUNT,
  recording: { writable: !isCI, warn: (message) => process.stderr.write(`${message}\n`) },
});
process.exitCode = isSynthesized ? 0 : 1;
