import type { Account } from '../../account';
import { notImplemented, validationError } from '../../protocol/aws-error';
import { isRecord } from '../../protocol/json';

const REFERENCE = /\{\{resolve:([^:}]+):([^}]*)\}\}/g;

/** Where a dynamic reference finds its value. */
type ReferenceService = 'secretsmanager' | 'ssm';

/**
 * Replaces `{{resolve:ssm:…}}` and, where `secretsmanager` is among the services, `{{resolve:secretsmanager:…}}`. The values go to
 * the provider only: what the stack keeps and shows has the references.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
 */
export async function resolveDynamicReferences(
  value: unknown,
  account: Account,
  services: readonly ReferenceService[],
): Promise<unknown> {
  if (typeof value === 'string') return resolveIn(value, account, services);
  if (Array.isArray(value)) {
    return Promise.all(value.map((item) => resolveDynamicReferences(item, account, services)));
  }
  if (!isRecord(value)) return value;
  const members = await Promise.all(
    Object.entries(value).map(
      async ([key, member]) => [key, await resolveDynamicReferences(member, account, services)] as const,
    ),
  );
  return Object.fromEntries(members);
}

async function resolveIn(text: string, account: Account, services: readonly ReferenceService[]): Promise<string> {
  let resolved = text;
  for (const [reference, service = '', key = ''] of text.matchAll(REFERENCE)) {
    if (service === 'secretsmanager' && !services.includes(service)) continue;
    const value = await lookUp(service, key, account);
    resolved = resolved.replace(reference, () => value);
  }
  return resolved;
}

async function lookUp(service: string, key: string, account: Account): Promise<string> {
  if (service === 'ssm') {
    const { Parameter } = await account.invoke('ssm', 'GetParameter', { Name: key });
    return String((Parameter as { Value: unknown }).Value);
  }
  if (service === 'secretsmanager') return secret(key, account);
  throw notImplemented(`the dynamic reference {{resolve:${service}:…}}`);
}

async function secret(key: string, account: Account): Promise<string> {
  const [, id = '', rest = ''] = /^(arn:(?:[^:]*:){5}[^:]*|[^:]*)(?::(.*))?$/.exec(key) ?? [];
  const [kind = '', jsonKey = '', VersionStage = '', VersionId = ''] = rest.split(':');
  if (kind !== '' && kind !== 'SecretString') throw notImplemented(`the dynamic reference to ${kind} of a secret`);
  const { SecretString } = await account.invoke('secretsmanager', 'GetSecretValue', {
    SecretId: id,
    ...(VersionStage === '' ? {} : { VersionStage }),
    ...(VersionId === '' ? {} : { VersionId }),
  });
  if (jsonKey === '') return String(SecretString);
  const members = JSON.parse(String(SecretString)) as Record<string, unknown>;
  if (!(jsonKey in members)) throw validationError(`Could not find a value associated with JSONKey in SecretString`);
  return String(members[jsonKey]);
}
