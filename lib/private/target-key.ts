import { type aws_kms as kms, Token } from 'aws-cdk-lib';
import { type IConstruct } from 'constructs';
import { ValidationError } from './validation-error';

/**
 * The key itself, where an alias of it was given: IAM policies allow the use of a key by its own ARN alone.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
 *
 * @param name the property in the message
 * @throws ValidationError for an alias whose key is not known at synthesis
 */
export function targetKeyOf(scope: IConstruct, key: kms.IKey, name = 'encryptionKey'): kms.IKey {
  const target = isAlias(key) ? targetIfKnown(key) : key;
  if (target === undefined || (!Token.isUnresolved(target.keyArn) && !target.keyArn.includes(':key/'))) {
    throw new ValidationError(
      scope,
      `${name}: got an alias that does not tell its key; allowed: keys, and aliases of keys that the app knows. ` +
        'Give the key with Key.fromKeyArn, or find it with Key.fromLookup.',
    );
  }
  return target;
}

function isAlias(key: kms.IKey): key is kms.IAlias {
  return 'aliasTargetKey' in key;
}

function targetIfKnown(alias: kms.IAlias): kms.IKey | undefined {
  try {
    return alias.aliasTargetKey;
  } catch {
    // What Alias.fromAliasName returns knows the name alone, and throws.
    return undefined;
  }
}
