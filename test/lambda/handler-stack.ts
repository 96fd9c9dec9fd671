import { Secret, TOTP } from 'otpauth';
import { inject } from 'vitest';
import type { WatchEvent } from '../../lambda/contract/watch';
import { evaluate, type LocalAws, type Scope } from 'local-aws';

export const ACCOUNT_ID = '123456789012';
export const STACK_ID = `arn:aws:cloudformation:us-east-1:${ACCOUNT_ID}:stack/users/8f5c2a10-aaaa-bbbb-cccc-0123456789ab`;
export const ROLE_NAME = 'virtual-mfa-device-provider';

/** The seed of a device that somebody else made, and knows. */
export const KNOWN_SEED = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

export type Properties = Readonly<Record<string, unknown>>;

/** What the schedule of a watch sends. */
export function watchEventFor(
  StackId: string,
  devices: readonly { readonly LogicalResourceId: string; readonly properties: Properties }[],
  Repair: boolean,
  Recreate: boolean,
): WatchEvent {
  const Devices = devices.map(({ properties, ...device }) => ({ ...device, ResourceProperties: properties }));
  return { Watch: { StackId, StackName: 'users', Repair, Recreate, Devices } };
}

/** The code of a seed at a moment, by a library that the product does not use. */
export function codeOf(seed: string, timestamp: number): string {
  return new TOTP({ secret: Secret.fromBase32(seed), algorithm: 'SHA1', digits: 6, period: 30 }).generate({
    timestamp,
  });
}

/** What looks like a code in a text, but for the six characters that Secrets Manager adds to a secret's name: they may all be digits. */
export function codesIn(said: string): readonly string[] {
  return said.replaceAll(/(:secret:[\w-]+)-\w{6}\b/g, '$1').match(/\b\d{6}\b/g) ?? [];
}

/** A URL that CloudFormation signed at a moment, in milliseconds since the epoch. */
export function signedUrl(url: string, signedAt: number): string {
  return `${url}?X-Amz-Date=${new Date(signedAt).toISOString().replace(/[-:]|\.\d{3}/g, '')}`;
}

/** Actions that change something. */
export function writing(actions: readonly string[]): string[] {
  return actions.filter((action) => !/:(?:List|Get|Describe)/.test(action));
}

/** Actions that change something in IAM. */
export function iamWrites(actions: readonly string[]): string[] {
  return writing(actions).filter((action) => action.startsWith('iam:'));
}

/** The tags that CloudFormation puts on a secret of a stack, and that nobody else can set. */
export function tagsByCloudFormation(logicalId: string, stackId = STACK_ID): { Key: string; Value: string }[] {
  return [
    { Key: 'aws:cloudformation:stack-id', Value: stackId },
    { Key: 'aws:cloudformation:logical-id', Value: logicalId },
  ];
}

/** Gives a role the policies that the library synthesizes for the handler, as CloudFormation resolves them for a stack of two users. */
export async function putHandlerPolicies(
  { account, iam }: LocalAws,
  userNames: readonly [string, string],
  stackId = STACK_ID,
  RoleName = ROLE_NAME,
): Promise<void> {
  const { documents, users } = inject('handlerPolicies');
  const pseudoParameters: Readonly<Record<string, string>> = {
    'AWS::AccountId': account.accountId,
    'AWS::Partition': account.partition,
    'AWS::Region': account.region,
    'AWS::StackId': stackId,
  };
  const unexpected = (name: string): never => {
    throw new Error(`The handler's policies refer to ${name}, which the tests do not know`);
  };
  const scope: Scope = {
    region: account.region,
    ref: (name) => pseudoParameters[name] ?? unexpected(name),
    getAtt: (logicalId) => {
      const userName = userNames[users.indexOf(logicalId)];
      // What is no user is the log group, which the function writes to without calling it.
      return userName === undefined ? account.arn('logs', `log-group:${logicalId}:*`) : iam.arnOfUserNamed(userName);
    },
    condition: unexpected,
    mapping: unexpected,
    importValue: unexpected,
  };
  for (const [PolicyName, document] of Object.entries(documents)) {
    const PolicyDocument = JSON.stringify(evaluate(document, scope));
    await account.invoke('iam', 'PutRolePolicy', { RoleName, PolicyName, PolicyDocument });
  }
}
