import { AwsError, documentedErrors, type LocalAws } from 'local-aws';
import type { SigningCredentials } from '../local-aws/test/callers';

/** The SDK names the errors of IAM's model so, and takes the names of all others as they are. */
const SUFFIX_OF_IAM = 'Exception';

/**
 * Makes a call of a principal without an SDK's client, which needs far longer than the account to turn it into a request and back. For
 * calls that only lead to what is tested.
 *
 * @throws Error named as the SDK's
 */
export async function callDirectly(
  { account }: LocalAws,
  { accessKeyId, sessionToken }: SigningCredentials,
  service: string,
  action: string,
  input: object,
): Promise<unknown> {
  const caller = account.credentials.principalOf(accessKeyId, sessionToken);
  try {
    return await account.request(account.service(service), action, { ...input }, caller);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const isInModel = documentedErrors(`${service}:${action}`).some(([code]) => code === error.code);
    const name = service === 'iam' && isInModel ? `${error.code}${SUFFIX_OF_IAM}` : error.code;
    throw Object.assign(new Error(error.message), { name, $metadata: { httpStatusCode: error.status } });
  }
}
