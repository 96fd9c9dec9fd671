import { CreateAccessKeyCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetSessionTokenCommand, STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import type { LocalAws } from '../src';

export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface Clients {
  readonly iam: IAMClient;
  readonly sts: STSClient;
  readonly secretsManager: SecretsManagerClient;
}

/** The real SDK's clients of an account, which sign with these credentials and try once. */
export function clientsOf(
  { clientConfiguration }: LocalAws,
  credentials: SigningCredentials,
  { requestHandler }: Pick<STSClientConfig, 'requestHandler'> = {},
): Clients {
  const settings = { ...clientConfiguration, credentials, maxAttempts: 1, ...(requestHandler && { requestHandler }) };
  return {
    iam: new IAMClient(settings),
    sts: new STSClient(settings),
    secretsManager: new SecretsManagerClient(settings),
  };
}

/** A new access key of a user, who may have more of them than IAM allows. */
export function keyOf({ account, iam }: LocalAws, userName: string): SigningCredentials {
  return account.credentials.issueAccessKey(iam.userPrincipal(iam.users.get(userName)));
}

/** A session of a role, such as a function or a job has. */
export function sessionOf({ account, iam }: LocalAws, roleName: string, sessionName: string, seconds = 3_600) {
  return account.credentials.issueSession(iam.rolePrincipal(iam.roles.get(roleName), sessionName), seconds);
}

/** Gets a session of a user from STS, which takes the code or rejects it; without a code, a session without MFA. */
export async function signIn(
  { sts }: Clients,
  code: { readonly SerialNumber?: string; readonly TokenCode?: string } = {},
): Promise<SigningCredentials> {
  try {
    return credentialsOf((await sts.send(new GetSessionTokenCommand(code))).Credentials);
  } finally {
    sts.destroy();
  }
}

/** An access key for a user. */
export async function createAccessKey(iam: IAMClient, UserName: string): Promise<SigningCredentials> {
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return credentialsOf(AccessKey);
}

/** Gives a user an inline policy. */
export async function allow(iam: IAMClient, UserName: string, ...statements: readonly unknown[]): Promise<void> {
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: statements });
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'inline', PolicyDocument }));
}

/** Credentials as an answer spells them, for a client. */
export function credentialsOf(
  answered:
    | {
        readonly AccessKeyId: string | undefined;
        readonly SecretAccessKey: string | undefined;
        readonly SessionToken?: string | undefined;
      }
    | undefined,
): SigningCredentials {
  const { AccessKeyId, SecretAccessKey, SessionToken } = answered ?? {};
  if (AccessKeyId === undefined || SecretAccessKey === undefined) throw new Error('no credentials were answered');
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    ...(SessionToken === undefined ? {} : { sessionToken: SessionToken }),
  };
}
