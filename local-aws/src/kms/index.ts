import { randomUUID } from 'node:crypto';
import type { Account } from '../account';
import { authorize, evaluateResourcePolicy, isDeniedExplicitly } from '../authorization';
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
}

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
        };
        this.#keys.set(id, key);
        return { KeyMetadata: rendered(key) };
      },
    }),
    DescribeKey: action({
      input: { KeyId: keyId },
      authorize: (input) => this.#on('kms:DescribeKey', input),
      run: ({ KeyId }) => ({ KeyMetadata: rendered(this.#key(KeyId)) }),
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
        this.#key(KeyId).state = 'Enabled';
      },
    }),
    DisableKey: action({
      input: { KeyId: keyId },
      authorize: (input) => this.#on('kms:DisableKey', input),
      run: ({ KeyId }) => {
        this.#key(KeyId).state = 'Disabled';
      },
    }),
    ScheduleKeyDeletion: action({
      input: { KeyId: keyId, PendingWindowInDays: optional(integer(7, 30)) },
      authorize: (input) => this.#on('kms:ScheduleKeyDeletion', input),
      run: ({ KeyId }) => {
        const key = this.#key(KeyId);
        key.state = 'PendingDeletion';
        return { KeyId: key.arn, KeyState: key.state };
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
   * Throws unless the caller may use a key through another service. The key's policy must let the caller in, by itself or by
   * leaving the decision to the account's identity policies; then those must allow it.
   *
   * @see https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
   */
  authorizeUse(caller: Principal, id: string, actions: readonly string[], viaService: string): void {
    const key = this.assertUsable(id);
    const context = {
      'kms:ViaService': `${viaService}.${this.account.region}.amazonaws.com`,
      'kms:CallerAccount': this.account.accountId,
      'aws:PrincipalArn': caller.principalArn,
    };
    for (const use of actions) {
      const request = { action: use, resource: key.arn, context };
      const byName = evaluateResourcePolicy(key.policy, [caller.arn, caller.principalArn], request, context);
      const byAccount = evaluateResourcePolicy(
        key.policy,
        [this.account.root.arn, this.account.accountId],
        request,
        context,
      );
      if (byName === 'allowed' && byAccount !== 'denied explicitly' && !isDeniedExplicitly(caller, request)) continue;
      if (byAccount === 'allowed' && byName !== 'denied explicitly') authorize(caller, request);
      else {
        throw new AwsError(
          'AccessDeniedException',
          `User: ${caller.arn} is not authorized to perform: ${use} on resource: ${key.arn} because no resource-based policy allows the ${use} action`,
        );
      }
    }
  }

  /** Throws for a key that does not exist, or that nobody can use. */
  assertUsable(id: string): Key {
    const key = this.#key(id);
    if (key.state !== 'Enabled') throw new AwsError('KMSInvalidStateException', `${key.arn} is ${key.state}.`);
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
}

function rendered({ id, arn, state, description }: Key): Record<string, unknown> {
  return {
    KeyId: id,
    Arn: arn,
    KeyState: state,
    Enabled: state === 'Enabled',
    Description: description,
    KeyManager: 'CUSTOMER',
  };
}
