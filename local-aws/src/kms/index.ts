import { randomUUID } from 'node:crypto';
import type { Account } from '../account';
import { type AuthorizationRequest, evaluateResourcePolicy, isAuthorized, isDeniedExplicitly } from '../authorization';
import type { PolicyDocument } from '../policy-document';
import type { Principal } from '../principal';
import { AwsError, notImplemented } from '../protocol/aws-error';
import { specOf } from '../protocol/spec';
import type { Actions, RpcService } from '../service';

interface Key {
  readonly id: string;
  readonly arn: string;
  policy: PolicyDocument;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
  rotationEnabled: boolean;
  description: string;
  readonly creationDate: Date;
  deletionDate?: Date;
}

const DAY_MILLISECONDS = 86_400_000;

/** AWS Key Management Service, as far as stacks with a customer managed key need it: keys, their policies, who may use them. */
export class Kms implements RpcService {
  readonly name = 'kms';
  readonly protocol = 'json';
  readonly namespace = 'TrentService';
  readonly spec = specOf('kms');
  readonly echoesValues = true;
  readonly #keys = new Map<string, Key>();
  readonly #aliases = new Map<string, string>();

  constructor(private readonly account: Account) {}

  readonly actions: Actions<'kms'> = {
    CreateKey: {
      takes: ['Policy', 'Description', 'KeyUsage', 'KeySpec', 'Tags'],
      authorize: () => ({ action: 'kms:CreateKey', resource: '*' }),
      run: ({ Policy, Description = '', KeyUsage = 'ENCRYPT_DECRYPT', KeySpec = 'SYMMETRIC_DEFAULT' }) => {
        if (KeyUsage !== 'ENCRYPT_DECRYPT' || KeySpec !== 'SYMMETRIC_DEFAULT') {
          throw notImplemented(`a KMS key of ${KeySpec} for ${KeyUsage}`);
        }
        const id = randomUUID();
        const wholeAccount = {
          Effect: 'Allow',
          Principal: { AWS: this.account.root.arn },
          Action: 'kms:*',
          Resource: '*',
        };
        const key: Key = {
          id,
          arn: this.account.arn('kms', `key/${id}`),
          policy:
            Policy === undefined
              ? ({ Statement: wholeAccount } as PolicyDocument)
              : (JSON.parse(Policy) as PolicyDocument),
          state: 'Enabled',
          rotationEnabled: false,
          description: Description,
          creationDate: new Date(this.account.now()),
        };
        this.#keys.set(id, key);
        return { KeyMetadata: this.#rendered(key) };
      },
    },
    DescribeKey: {
      takes: ['KeyId'],
      run: ({ KeyId }) => ({ KeyMetadata: this.#rendered(this.#key(KeyId)) }),
    },
    PutKeyPolicy: {
      takes: ['KeyId', 'PolicyName', 'Policy'],
      run: ({ KeyId, Policy }) => {
        this.#key(KeyId).policy = JSON.parse(Policy) as PolicyDocument;
      },
    },
    EnableKeyRotation: {
      takes: ['KeyId', 'RotationPeriodInDays'],
      run: ({ KeyId }) => {
        this.#key(KeyId).rotationEnabled = true;
      },
    },
    EnableKey: {
      takes: ['KeyId'],
      run: ({ KeyId }) => {
        this.#usableOrDisabled(KeyId).state = 'Enabled';
      },
    },
    DisableKey: {
      takes: ['KeyId'],
      run: ({ KeyId }) => {
        this.#usableOrDisabled(KeyId).state = 'Disabled';
      },
    },
    ScheduleKeyDeletion: {
      takes: ['KeyId', 'PendingWindowInDays'],
      run: ({ KeyId, PendingWindowInDays = 30 }) => {
        const key = this.#key(KeyId);
        if (PendingWindowInDays < 7 || PendingWindowInDays > 30) {
          throw new AwsError('ValidationException', 'PendingWindowInDays must be between 7 and 30');
        }
        key.state = 'PendingDeletion';
        key.deletionDate = new Date(this.account.now() + PendingWindowInDays * DAY_MILLISECONDS);
        return { KeyId: key.arn, DeletionDate: key.deletionDate, KeyState: key.state, PendingWindowInDays };
      },
    },
    CreateAlias: {
      takes: ['AliasName', 'TargetKeyId'],
      authorize: ({ TargetKeyId }) => this.authorize('CreateAlias', { KeyId: TargetKeyId }),
      run: ({ AliasName, TargetKeyId }) => {
        if (!AliasName.startsWith('alias/')) {
          throw new AwsError('ValidationException', 'Alias must start with the prefix "alias/".');
        }
        if (this.#aliases.has(AliasName))
          throw new AwsError('AlreadyExistsException', `An alias with the name ${AliasName} already exists`);
        this.#aliases.set(AliasName, this.#key(TargetKeyId).id);
      },
    },
  };

  /**
   * Whether the caller may use a key through another service. The key's policy must let the caller in, by itself or by leaving
   * the decision to the account's identity policies; then those must allow it.
   *
   * @see https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
   */
  mayUse(caller: Principal, { arn, policy }: Key, use: string, viaService: string): boolean {
    const context = {
      'kms:ViaService': `${viaService}.${this.account.region}.amazonaws.com`,
      'kms:CallerAccount': this.account.accountId,
      'aws:PrincipalArn': caller.principalArn,
    };
    const request = { action: use, resource: arn, context };
    const byName = evaluateResourcePolicy(policy, [caller.arn, caller.principalArn], request, context);
    const { root, accountId } = this.account;
    const byAccount = evaluateResourcePolicy(policy, [root.arn, accountId], request, context);
    if ([byName, byAccount].includes('denied explicitly')) return false;
    if (byName === 'allowed') return !isDeniedExplicitly(caller, request);
    return byAccount === 'allowed' && isAuthorized(caller, request);
  }

  /** Throws for a key that does not exist, or that nobody can use. */
  usableKey(id: string): Key {
    const key = this.#key(id);
    if (key.state === 'Disabled') throw new AwsError('DisabledException', `${key.arn} is disabled.`);
    if (key.state === 'PendingDeletion') {
      throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`);
    }
    return key;
  }

  /** On the key that the input names. */
  authorize(name: string, { KeyId = '' }: { readonly KeyId?: string }): AuthorizationRequest {
    return { action: `kms:${name}`, resource: this.#key(KeyId).arn };
  }

  #key(idOrArnOrAlias: string): Key {
    const name = idOrArnOrAlias.replace(/^arn:[^:]+:kms:[^:]+:\d+:(key\/)?/, '');
    const key = this.#keys.get(this.#aliases.get(name) ?? name);
    if (!key) throw new AwsError('NotFoundException', `Key '${idOrArnOrAlias}' does not exist`);
    return key;
  }

  #usableOrDisabled(id: string): Key {
    const key = this.#key(id);
    return key.state === 'Disabled' ? key : this.usableKey(id);
  }

  #rendered({ id, arn, state, description, creationDate, deletionDate }: Key): Record<string, unknown> {
    return {
      AWSAccountId: this.account.accountId,
      KeyId: id,
      Arn: arn,
      CreationDate: creationDate,
      Enabled: state === 'Enabled',
      Description: description,
      KeyUsage: 'ENCRYPT_DECRYPT',
      KeyState: state,
      DeletionDate: deletionDate,
      Origin: 'AWS_KMS',
      KeyManager: 'CUSTOMER',
      CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      KeySpec: 'SYMMETRIC_DEFAULT',
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      MultiRegion: false,
    };
  }
}
