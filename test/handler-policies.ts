import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, aws_iam as iam, aws_secretsmanager as secretsmanager, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from '../lib';

/** The policies of the handler's role in a stack of two users, as their template has them. */
export interface HandlerPolicies {
  /** By logical id, with their intrinsic functions. */
  readonly documents: Readonly<Record<string, unknown>>;
  /** The users' logical ids. */
  readonly users: readonly string[];
  /** What the names of the secrets begin with that hold seeds of devices to adopt. */
  readonly existingSeedPrefix: string;
}

/** What vitest gives to what it runs before all tests. */
interface Vitest {
  provide(key: 'handlerPolicies', value: HandlerPolicies): void;
}

declare module 'vitest' {
  interface ProvidedContext {
    handlerPolicies: HandlerPolicies;
  }
}

/** Synthesizes the policies that the handler's tests run under: once, for aws-cdk-lib takes seconds to load. */
export default function provideHandlerPolicies(vitest: Vitest): void {
  const outdir = mkdtempSync(join(tmpdir(), 'virtual-mfa-handler-policies-'));
  try {
    vitest.provide('handlerPolicies', handlerPolicies(outdir));
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

function handlerPolicies(outdir: string): HandlerPolicies {
  const app = new App({ outdir, builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'Stack');
  const existingSeedPrefix = 'existing-seed-of-';
  const users = ['Bob', 'Eve'].map((name) => {
    const user = new iam.User(stack, name);
    new VirtualMfaDevice(stack, `${name}Mfa`, { user, removeOtherDevicesWithUser: true });
    return user.node.defaultChild as iam.CfnUser;
  });
  new VirtualMfaDevice(stack, 'BobsExistingMfa', {
    user: iam.User.fromUserName(stack, 'Imported', 'nobody'),
    existing: {
      serialNumber: stack.formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: 'existing' }),
      // Every test has a secret of its own.
      seed: secretsmanager.Secret.fromSecretNameV2(stack, 'ExistingSeed', `${existingSeedPrefix}*`),
    },
  });
  const template = app.synth().getStackByName(stack.stackName).template as {
    readonly Resources: Readonly<
      Record<string, { readonly Type: string; readonly Properties: Record<string, unknown> }>
    >;
  };
  const policies = Object.entries(template.Resources).filter(([, { Type }]) =>
    ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].includes(Type),
  );
  return {
    documents: Object.fromEntries(policies.map(([id, { Properties }]) => [id, Properties['PolicyDocument']])),
    existingSeedPrefix,
    users: users.map((user) => stack.resolve(user.logicalId) as string),
  };
}
