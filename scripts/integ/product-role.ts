import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { App, aws_iam as iam, aws_kms as kms, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from '../../lib';
import { DidNotHold } from './finding';
import { type Clients, DENIED, isNamed, type ProbedAccount } from './probed-account';

/** A new role, and its policy, may need so long to be known everywhere: the function waits no longer for it. */
export const CONSISTENCY_MILLISECONDS = 30_000;

interface Statement {
  readonly Action: string | readonly string[];
}

interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Properties?: { readonly PolicyDocument?: { readonly Statement: readonly Statement[] } } }>
  >;
}

/** Clients with the policies that the product gives to the function's role in a stack of this id. */
export async function clientsOfProductRole(
  account: ProbedAccount,
  stackId: string,
  { userName = `${account.name}-nobody`, keyArn }: { userName?: string; keyArn?: string } = {},
): Promise<Clients> {
  const { iam: admin, name: RoleName, accountId, partition } = account;
  const trust = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
        Action: 'sts:AssumeRole',
      },
    ],
  };
  const { Role } = await admin.send(
    new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }),
  );
  account.cleanUpLater(`the role ${RoleName}`, () => admin.send(new DeleteRoleCommand({ RoleName })));
  const PolicyName = 'as-the-product';
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: productStatements(account, stackId, userName, keyArn),
  });
  await admin.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
  account.cleanUpLater(`the policy of the role ${RoleName}`, () =>
    admin.send(new DeleteRolePolicyCommand({ RoleName, PolicyName })),
  );
  const assume = new AssumeRoleCommand({ RoleArn: Role?.Arn, RoleSessionName: 'probe' });
  const { Credentials } = await account.eventually(() => account.sts.send(assume), {
    notYet: DENIED,
    milliseconds: 2 * CONSISTENCY_MILLISECONDS,
  });
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {};
  return account.as({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken });
}

/** The statements on IAM, Secrets Manager and KMS of a synthesized stack: what is deployed is what is probed. */
function productStatements(
  { partition, accountId, connection }: ProbedAccount,
  stackId: string,
  userName: string,
  keyArn: string | undefined,
): unknown[] {
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, 'Probe', { env: { account: accountId, region: connection.region } });
  new VirtualMfaDevice(stack, 'Device', {
    user: iam.User.fromUserName(stack, 'User', userName),
    ...(keyArn === undefined ? {} : { encryptionKey: kms.Key.fromKeyArn(stack, 'Key', keyArn) }),
  });
  const { Resources } = app.synth().getStackByName('Probe').template as Template;
  const statements = Object.values(Resources).flatMap(({ Properties }) => Properties?.PolicyDocument?.Statement ?? []);
  const references = {
    'AWS::Partition': partition,
    'AWS::StackId': stackId,
    'AWS::URLSuffix': partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com',
  };
  return statements
    .filter(({ Action }) => [Action].flat().every((action) => /^(?:iam|secretsmanager|kms):/.test(action)))
    .map((statement) => resolved(statement, references));
}

/** A part of a template with its references and joins put in. */
function resolved(value: unknown, references: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return value.map((item) => resolved(item, references));
  if (typeof value !== 'object' || value === null) return value;
  const { Ref, 'Fn::Join': join } = value as { Ref?: string; 'Fn::Join'?: readonly [string, readonly unknown[]] };
  if (Ref !== undefined) return references[Ref];
  if (join) return join[1].map((part) => resolved(part, references)).join(join[0]);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, resolved(part, references)]));
}

/** A call that the role has to be allowed, once its policy is in force. */
export async function allowed<T>(account: ProbedAccount, what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await account.eventually(call, { notYet: DENIED, milliseconds: CONSISTENCY_MILLISECONDS });
  } catch (error) {
    throw isNamed(error, ...DENIED) ? new DidNotHold(`${what} is denied: ${error.message}`) : error;
  }
}

/** A call that the role must not be allowed. Meaningful after another call of the role was allowed. */
export async function denied(what: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (isNamed(error, ...DENIED)) return;
    throw error;
  }
  throw new DidNotHold(`${what} is allowed`);
}
