import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { AwsCalls } from './aws-calls';
import { isNamed } from './aws-errors';
import { isSeed } from '../contract/stored-seed';
import { AccessDeniedFailure, failures } from '../failure';

/** Where somebody keeps the seed of a device that is adopted. */
export interface ExistingSeed {
  readonly secretArn: string;
  /** The member of the secret's JSON that is the seed; without it, the whole value is. */
  readonly field: string | undefined;
}

/**
 * Reads such a seed. People copy seeds as a console shows them: in groups, and in small letters.
 *
 * @throws Failure where there is none; it does not repeat what is there instead
 */
export async function readExistingSeed(
  client: SecretsManagerClient,
  calls: AwsCalls,
  { secretArn, field }: ExistingSeed,
): Promise<string> {
  const command = new GetSecretValueCommand({ SecretId: secretArn });
  let value: unknown;
  try {
    const output = await calls.perform('secretsmanager:GetSecretValue', () => client.send(command));
    value = field === undefined ? output.SecretString : memberOf(output.SecretString, field);
  } catch (error) {
    // An empty secret, and one that is scheduled for deletion, answer like one that is not there.
    if (isNamed(error, 'ResourceNotFoundException', 'InvalidRequestException')) {
      throw failures.existingSeedNotThere(secretArn);
    }
    if (error instanceof AccessDeniedFailure) throw failures.existingSeedDenied(secretArn);
    throw error;
  }
  const seed = typeof value === 'string' ? value.replaceAll(/[\s-]/g, '').toUpperCase() : '';
  if (!isSeed(seed)) throw failures.existingSeedNotValid(secretArn);
  return seed;
}

function memberOf(json: string | undefined, field: string): unknown {
  try {
    const value = JSON.parse(json ?? '') as Readonly<Record<string, unknown>> | null;
    return value?.[field];
  } catch {
    return undefined;
  }
}
