import { randomUUID } from 'node:crypto';
import type { Account } from '../account';
import { evaluateResourcePolicy, isAuthorized, isDeniedExplicitly } from '../authorization';
import type { PolicyDocument } from '../policy-document';
import type { Principal } from '../principal';
import { AwsError } from '../protocol/aws-error';
import { anything, integer, optional, text } from '../protocol/members';
import { action, type RpcService } from '../service';

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

const keyId = text({ min: 1, max: 2048 });

/** AWS Key Management Service, as far as stacks with a customer managed key need it: keys, their policies, who may use them. */
export class Kms implements RpcService {
  readonly name = 'kms';
  readonly protocol = 'json';
  readonly namespace = 'TrentService';
  readonly #keys = new Map<string, Key>();
  readonly #aliases = new Map<string, string>();

  constructor(private readonly account: Account) {}

  readonly actions: RpcService['actions'] = {
    CreateKey: action({
      input: {
        Policy: optional(text()),
        Description: optional(text({ max: 8192 })),
        KeyUsage: optional(text({ oneOf: ['ENCRYPT_DECRYPT'] })),
        KeySpec: optional(text({ oneOf: ['SYMMETRIC_DEFAULT'] })),
        Tags: optional(anything()),
      },
      authorize: () => ({ action: 'kms:CreateKey', resource: '*' }),
      run: ({ Policy, Description = '' }) => {
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
    }),
    DescribeKey: action({
      input: { KeyId: keyId },
      authorize: (input) => this.#on('kms:DescribeKey', input),
      run: ({ KeyId }) => ({ KeyMetadata: this.#rendered(this.#key(KeyId)) }),
    }),
    PutKeyPolicy: action({
      input: { KeyId: keyId, PolicyName: optional(text()), Policy: text() },
      authorize: (input) => this.#on('kms:PutKeyPolicy', input),
      run: ({ KeyId, Policy }) => {
        this.#key(KeyId).policy = JSON.parse(Policy) as PolicyDocument;
      },
    }),
    UpdateKeyDescription: action({
      input: { KeyId: keyId, Description: text({ max: 8192 }) },
      authorize: (input) => this.#on('kms:UpdateKeyDescription', input),
      run: ({ KeyId, Description }) => {
        this.#key(KeyId).description = Description;
      },
    }),
    EnableKeyRotation: action({
      input: { KeyId: keyId, RotationPeriodInDays: optional(integer(90, 2560)) },
      authorize: (input) => this.#on('kms:EnableKeyRotation', input),
      run: ({ KeyId }) => {
        this.#key(KeyId).rotationEnabled = true;
      },
    }),
    DisableKeyRotation: action({
      input: { KeyId: keyId },
      authorize: (input) => this.#on('kms:DisableKeyRotation', input),
      run: ({ KeyId }) => {
        this.#key(KeyId).rotationEnabled = false;
      },
    }),
    EnableKey: action({
      input: { KeyId: keyId },
      authorize: (input) => this.#on('kms:EnableKey', input),
      run: ({ KeyId }) => {
        this.#usableOrDisabled(KeyId).state = 'Enabled';
      },
    }),
    DisableKey: action({
      input: { KeyId: keyId },
      authorize: (input) => this.#on('kms:DisableKey', input),
      run: ({ KeyId }) => {
        this.#usableOrDisabled(KeyId).state = 'Disabled';
      },
    }),
    ScheduleKeyDeletion: action({
      input: { KeyId: keyId, PendingWindowInDays: optional(integer(7, 30)) },
      authorize: (input) => this.#on('kms:ScheduleKeyDeletion', input),
      run: ({ KeyId, PendingWindowInDays = 30 }) => {
        const key = this.#key(KeyId);
        key.state = 'PendingDeletion';
        key.deletionDate = new Date(this.account.now() + PendingWindowInDays * DAY_MILLISECONDS);
        return { KeyId: key.arn, DeletionDate: key.deletionDate, KeyState: key.state, PendingWindowInDays };
      },
    }),
    TagResource: action({
      input: { KeyId: keyId, Tags: optional(anything()) },
      authorize: (input) => this.#on('kms:TagResource', input),
      run: ({ KeyId }) => void this.#key(KeyId),
    }),
    UntagResource: action({
      input: { KeyId: keyId, TagKeys: optional(anything()) },
      authorize: (input) => this.#on('kms:UntagResource', input),
      run: ({ KeyId }) => void this.#key(KeyId),
    }),
    CreateAlias: action({
      input: { AliasName: text({ pattern: /^alias\/[\w/-]+$/ }), TargetKeyId: keyId },
      authorize: ({ TargetKeyId }) => this.#on('kms:CreateAlias', { KeyId: TargetKeyId }),
      run: ({ AliasName, TargetKeyId }) => {
        if (this.#aliases.has(AliasName))
          throw new AwsError('AlreadyExistsException', `An alias with the name ${AliasName} already exists`);
        this.#aliases.set(AliasName, this.#key(TargetKeyId).id);
      },
    }),
    UpdateAlias: action({
      input: { AliasName: text(), TargetKeyId: keyId },
      authorize: ({ TargetKeyId }) => this.#on('kms:UpdateAlias', { KeyId: TargetKeyId }),
      run: ({ AliasName, TargetKeyId }) => void this.#aliases.set(AliasName, this.#key(TargetKeyId).id),
    }),
    DeleteAlias: action({
      input: { AliasName: text() },
      authorize: ({ AliasName }) => this.#on('kms:DeleteAlias', { KeyId: AliasName }),
      run: ({ AliasName }) => void this.#aliases.delete(AliasName),
    }),
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

  #on(kmsAction: string, { KeyId }: { readonly KeyId: string }): { action: string; resource: string } {
    return { action: kmsAction, resource: this.#key(KeyId).arn };
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
