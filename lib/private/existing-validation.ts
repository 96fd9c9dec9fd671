import { Stack, Token, TokenComparison } from 'aws-cdk-lib';
import { type IConstruct } from 'constructs';
import {
  EXISTING_SERIAL_NUMBER_IN_WORDS,
  kindOf,
  SEED_FIELD_RULE,
  TAG_RULES,
} from '../../lambda/contract/property-rules';
import { partsOfSerialNumber } from '../../lambda/contract/serial-number';
import { constructInWords, REGION, shown, validate } from './property-validation';
import { targetKeyOf } from './target-key';
import { ValidationError } from './validation-error';
import { type ExistingVirtualMfaDevice } from '../virtual-mfa-device-options';

/** What says the same as the serial number of an existing device, or what such a device cannot have. */
const EXCLUDED_BY_EXISTING = ['virtualMfaDeviceName', 'path', 'rotationId'] as const;

type ExcludedByExisting = Readonly<Partial<Record<(typeof EXCLUDED_BY_EXISTING)[number], string>>>;

/** @throws ValidationError for a device that cannot be adopted as it is declared; tokens pass. */
export function validateExisting(
  scope: IConstruct,
  { serialNumber, seed, seedField }: Partial<ExistingVirtualMfaDevice>,
  device: ExcludedByExisting,
): void {
  if (typeof serialNumber !== 'string' || !isOwnSerialNumber(scope, serialNumber)) {
    throw new ValidationError(
      scope,
      `existing.serialNumber: got ${kindOf(serialNumber)}; allowed: ${EXISTING_SERIAL_NUMBER_IN_WORDS}. ` +
        'Copy it from the output of `aws iam list-virtual-mfa-devices`; it looks like arn:aws:iam::123456789012:mfa/name.',
    );
  }
  if (seed?.secretArn === undefined) {
    throw new ValidationError(
      scope,
      `existing.seed: got ${constructInWords(seed)}; allowed: a secret that holds the seed, such as secretsmanager.Secret. ` +
        "Refer to a secret that exists with secretsmanager.Secret.fromSecretNameV2(this, 'BobSeed', 'bob-seed').",
    );
  }
  const { region } = seed.env;
  if (Token.compareStrings(region, Stack.of(scope).region) === TokenComparison.DIFFERENT) {
    throw new ValidationError(
      scope,
      `existing.seed: got a secret of ${shown(region, REGION)}; allowed: secrets of the stack's own region ${Stack.of(scope).region}. ` +
        'Replicate the secret to that region, and refer to the replica.',
    );
  }
  const { secretArn } = seed;
  if (!Token.isUnresolved(secretArn) && !TAG_RULES.Value.accepts(secretArn)) {
    throw new ValidationError(
      scope,
      `existing.seed: got a secret whose ARN has ${secretArn.length} characters; allowed: ${TAG_RULES.Value.allowed}, because a tag names it. ` +
        'Put the seed into a secret with a shorter name.',
    );
  }
  if (seed.encryptionKey !== undefined) {
    targetKeyOf(scope, seed.encryptionKey, 'existing.seed.encryptionKey');
  }
  validate(scope, 'existing.seedField', SEED_FIELD_RULE, seedField, 'Name a member of the JSON in the secret.');
  const excluded = EXCLUDED_BY_EXISTING.find((property) => device[property] !== undefined);
  if (excluded !== undefined) {
    throw new ValidationError(
      scope,
      `${excluded}: got ${kindOf(device[excluded])} beside existing; allowed: one of the two, because existing.serialNumber ` +
        'has the name and the path, and a device keeps its seed as long as it lives. Remove one of them.',
    );
  }
}

function isOwnSerialNumber(scope: IConstruct, serialNumber: string): boolean {
  if (Token.isUnresolved(serialNumber)) {
    return true;
  }
  const { account } = Stack.of(scope);
  const accountId = partsOfSerialNumber(serialNumber)?.accountId;
  return accountId !== undefined && (Token.isUnresolved(account) || accountId === account);
}
