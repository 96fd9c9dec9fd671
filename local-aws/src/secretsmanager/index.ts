import { randomUUID } from 'node:crypto';
import type { Account } from '../account';
import { type AuthorizationRequest, isAuthorized } from '../authorization';
import { uniqueIdSuffix } from '../credentials';
import { tagContext } from '../iam/inputs';
import type { Kms } from '../kms';
import { isPolicyDocument, listOf, type PolicyDocument } from '../policy-document';
import type { Principal } from '../principal';
import { AwsError } from '../protocol/aws-error';
import { flag, integer, list, type Member, optional, text } from '../protocol/members';
import { action, type Call, type RpcService } from '../service';
import { describedSecret, describedVersions } from './descriptions';
import { page, paging } from './page';
import { CURRENT, Secret } from './secret';
import { filters, passes } from './secret-filter';
import { assertNotReserved, tagKey, tags, tagSecret } from './tags';

const DAY_MILLISECONDS = 86_400_000;

const name = named(text({ min: 1, max: 512 }), /^[\w/+=.@!-]+$/);
/** A secret's name, or its ARN. */
const secretId = named(text({ min: 1, max: 2048 }), /^([\w/+=.@!-]+|arn:[\w:/+=.@!-]+)$/);
const secretString = text({ min: 1, max: 65_536 });
const versionId = text({ min: 32, max: 64 });
const versionStage = text({ min: 1, max: 256 });
const description = text({ max: 2048 });

/** AWS Secrets Manager: secrets with versions, staging labels, scheduled deletion. */
export class SecretsManager implements RpcService {
  readonly name = 'secretsmanager';
  readonly protocol = 'json';
  readonly namespace = 'secretsmanager';
  readonly #secrets = new Map<string, Secret>();

  constructor(
    private readonly account: Account,
    private readonly kms: Kms,
  ) {}

  readonly actions: RpcService['actions'] = {
    CreateSecret: action({
      input: {
        Name: name,
        Description: optional(description),
        KmsKeyId: optional(text()),
        SecretString: optional(secretString),
        ClientRequestToken: optional(versionId),
        Tags: optional(tags),
      },
      authorize: ({ Name, Tags = [] }) => {
        const create = {
          action: 'secretsmanager:CreateSecret',
          resource: this.#arnOf(`${Name}-??????`),
          resourceName: Name,
          context: tagContext(Tags, undefined),
        };
        return Tags.length > 0 ? [create, { ...create, action: 'secretsmanager:TagResource' }] : [create];
      },
      run: ({ Name, Description, KmsKeyId, SecretString, ClientRequestToken, Tags }, call) => {
        const existing = this.#find(Name);
        if (existing) {
          // The SDK gives every request a token: a retry of one that had taken effect gets its answer.
          if (ClientRequestToken !== undefined && existing.holds(ClientRequestToken, SecretString)) {
            return { ARN: existing.arn, Name, VersionId: ClientRequestToken };
          }
          throw existing.deletion
            ? new AwsError(
                'InvalidRequestException',
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
              )
            : new AwsError(
                'ResourceExistsException',
                `The operation failed because the secret ${Name} already exists.`,
              );
        }
        const arn = this.#newArnOf(Name);
        const secret = new Secret(Name, arn, new Date(this.account.now()), SecretString === undefined);
        if (Description !== undefined) secret.description = Description;
        if (KmsKeyId !== undefined) secret.kmsKeyId = KmsKeyId;
        if (Tags !== undefined) tagSecret(secret, Tags, call);
        const VersionId =
          SecretString === undefined ? undefined : this.#put(secret, SecretString, ClientRequestToken, call);
        this.#secrets.set(arn, secret);
        return { ARN: arn, Name, ...(VersionId === undefined ? {} : { VersionId }) };
      },
    }),

    PutSecretValue: action({
      input: {
        SecretId: secretId,
        SecretString: secretString,
        ClientRequestToken: optional(versionId),
        VersionStages: optional(list(versionStage)),
      },
      authorize: (input) => this.#on('PutSecretValue', input),
      run: ({ SecretId, SecretString, ClientRequestToken, VersionStages }, call) => {
        const secret = this.#usable(SecretId);
        const VersionId = this.#put(secret, SecretString, ClientRequestToken, call, VersionStages);
        return { ...this.#changed(secret), VersionId, VersionStages: secret.stagesOf(VersionId) };
      },
    }),

    GetSecretValue: action({
      input: { SecretId: secretId, VersionId: optional(versionId), VersionStage: optional(versionStage) },
      authorize: ({ VersionId, VersionStage, ...input }) =>
        this.#on('GetSecretValue', input, {
          ...(VersionId === undefined ? {} : { 'secretsmanager:VersionId': VersionId }),
          ...(VersionStage === undefined ? {} : { 'secretsmanager:VersionStage': VersionStage }),
        }),
      run: ({ SecretId, VersionId, VersionStage }, { caller }) => {
        const secret = this.#usable(SecretId);
        const version = secret.version(VersionId, VersionStage);
        this.#useKey(secret, caller, 'decrypt');
        const now = this.account.now();
        version.lastAccessedDate = new Date(now - (now % DAY_MILLISECONDS));
        return {
          ARN: secret.arn,
          Name: secret.name,
          VersionId: version.id,
          SecretString: version.secretString,
          VersionStages: secret.stagesOf(version.id),
          CreatedDate: version.createdDate,
        };
      },
    }),

    DescribeSecret: action({
      input: { SecretId: secretId },
      authorize: (input) => this.#on('DescribeSecret', input),
      run: ({ SecretId }) => describedSecret(this.#get(SecretId), 'VersionIdsToStages'),
    }),

    ListSecrets: action({
      input: { ...paging, Filters: optional(filters), IncludePlannedDeletion: optional(flag()) },
      authorize: () => ({ action: 'secretsmanager:ListSecrets', resource: '*' }),
      run: ({ Filters = [], IncludePlannedDeletion = false, ...place }) => {
        this.#deleteDue();
        const found = [...this.#secrets.values()]
          .filter(({ deletion }) => IncludePlannedDeletion || deletion === undefined)
          .filter((secret) => passes(secret, Filters));
        const { items, ...next } = page(found, place);
        return { SecretList: items.map((secret) => describedSecret(secret, 'SecretVersionsToStages')), ...next };
      },
    }),

    ListSecretVersionIds: action({
      input: { ...paging, SecretId: secretId, IncludeDeprecated: optional(flag()) },
      authorize: (input) => this.#on('ListSecretVersionIds', input),
      run: ({ SecretId, IncludeDeprecated = false, ...place }) => {
        const secret = this.#get(SecretId);
        const versions = describedVersions(secret).filter(
          ({ VersionStages }) => IncludeDeprecated || VersionStages.length > 0,
        );
        const { items, ...next } = page(versions, place);
        return { ARN: secret.arn, Name: secret.name, Versions: items, ...next };
      },
    }),

    UpdateSecretVersionStage: action({
      input: {
        SecretId: secretId,
        VersionStage: versionStage,
        RemoveFromVersionId: optional(versionId),
        MoveToVersionId: optional(versionId),
      },
      authorize: (input) => this.#on('UpdateSecretVersionStage', input),
      run: ({ SecretId, VersionStage, RemoveFromVersionId, MoveToVersionId }) => {
        const secret = this.#usable(SecretId);
        const holder = secret.versionWithLabel(VersionStage);
        if (holder !== RemoveFromVersionId && (holder !== MoveToVersionId || RemoveFromVersionId !== undefined)) {
          const wrong = RemoveFromVersionId === undefined ? 'empty' : RemoveFromVersionId;
          throw new AwsError(
            'InvalidParameterException',
            holder === undefined
              ? `The parameter RemoveFromVersionId can't be ${wrong}. Staging label ${VersionStage} is currently attached to no version.`
              : `The parameter RemoveFromVersionId can't be ${wrong}. Staging label ${VersionStage} is currently attached to version ${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
          );
        }
        if (MoveToVersionId === undefined && VersionStage === CURRENT) {
          throw new AwsError(
            'InvalidParameterException',
            `You can only move staging label ${CURRENT} to a different secret version. It can’t be completely removed.`,
          );
        }
        if (MoveToVersionId === undefined) secret.removeLabel(VersionStage);
        else if (secret.has(MoveToVersionId)) secret.move(VersionStage, MoveToVersionId);
        else
          throw new AwsError(
            'ResourceNotFoundException',
            `Secrets Manager can't find the specified secret version ${MoveToVersionId}.`,
          );
        return this.#changed(secret);
      },
    }),

    UpdateSecret: action({
      input: {
        SecretId: secretId,
        Description: optional(description),
        KmsKeyId: optional(text()),
        SecretString: optional(secretString),
        ClientRequestToken: optional(versionId),
      },
      authorize: (input) => this.#on('UpdateSecret', input),
      run: ({ SecretId, Description, KmsKeyId, SecretString, ClientRequestToken }, call) => {
        const secret = this.#usable(SecretId);
        // Secrets Manager encrypts the versions that have a label anew, which takes a key that can be used.
        if (KmsKeyId !== undefined && secret.versions().length > 0) this.kms.usableKey(KmsKeyId);
        if (Description !== undefined) secret.description = Description;
        if (KmsKeyId !== undefined) secret.kmsKeyId = KmsKeyId;
        const VersionId =
          SecretString === undefined ? undefined : this.#put(secret, SecretString, ClientRequestToken, call);
        return { ...this.#changed(secret), ...(VersionId === undefined ? {} : { VersionId }) };
      },
    }),

    DeleteSecret: action({
      input: {
        SecretId: secretId,
        ForceDeleteWithoutRecovery: optional(flag()),
        RecoveryWindowInDays: optional(integer(7, 30)),
      },
      authorize: (input) => this.#on('DeleteSecret', input),
      run: ({ SecretId, ForceDeleteWithoutRecovery = false, RecoveryWindowInDays }) => {
        if (ForceDeleteWithoutRecovery && RecoveryWindowInDays !== undefined) {
          throw new AwsError(
            'InvalidParameterException',
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
          );
        }
        const requested = new Date(this.account.now());
        const days = ForceDeleteWithoutRecovery ? 0 : (RecoveryWindowInDays ?? 30);
        const due = new Date(requested.getTime() + days * DAY_MILLISECONDS);
        // A forced deletion can be repeated: a secret that is gone is what it wants.
        if (ForceDeleteWithoutRecovery && !this.#find(SecretId)) {
          return { ARN: this.#newArnOf(nameIn(SecretId)), Name: nameIn(SecretId), DeletionDate: due };
        }
        const secret = this.#get(SecretId);
        if (ForceDeleteWithoutRecovery) this.#secrets.delete(secret.arn);
        else secret.deletion = { requested, due };
        return { ...this.#changed(secret), DeletionDate: due };
      },
    }),

    RestoreSecret: action({
      input: { SecretId: secretId },
      authorize: (input) => this.#on('RestoreSecret', input),
      run: ({ SecretId }) => {
        const secret = this.#get(SecretId);
        delete secret.deletion;
        return this.#changed(secret);
      },
    }),

    TagResource: action({
      input: { SecretId: secretId, Tags: tags },
      authorize: ({ SecretId, Tags }) => this.#on('TagResource', { SecretId }, tagContext(Tags, undefined)),
      run: ({ SecretId, Tags }, call) => {
        const secret = this.#usable(SecretId);
        const changed = new Map([...secret.tags, ...Tags.map(({ Key, Value }) => [Key, Value] as const)]);
        this.#assertManageable(call, this.#on('TagResource', { SecretId }, tagContext(Tags, undefined), changed));
        tagSecret(secret, Tags, call);
        this.#changed(secret);
      },
    }),

    UntagResource: action({
      input: { SecretId: secretId, TagKeys: list(tagKey) },
      authorize: ({ SecretId, TagKeys }) => this.#on('UntagResource', { SecretId }, { 'aws:TagKeys': TagKeys }),
      run: ({ SecretId, TagKeys }, call) => {
        const secret = this.#usable(SecretId);
        assertNotReserved(TagKeys);
        const left = new Map([...secret.tags].filter(([key]) => !TagKeys.includes(key)));
        this.#assertManageable(call, this.#on('UntagResource', { SecretId }, { 'aws:TagKeys': TagKeys }, left));
        for (const key of TagKeys) secret.tags.delete(key);
      },
    }),

    PutResourcePolicy: action({
      input: { SecretId: secretId, ResourcePolicy: text({ min: 1, max: 20_480 }), BlockPublicPolicy: optional(flag()) },
      authorize: (input) => this.#on('PutResourcePolicy', input),
      run: ({ SecretId, ResourcePolicy, BlockPublicPolicy = false }) => {
        const secret = this.#usable(SecretId);
        const policy = readResourcePolicy(ResourcePolicy);
        if (BlockPublicPolicy && isPublic(policy)) {
          throw new AwsError(
            'PublicPolicyException',
            'You can not attach a resource policy that grants Public access to your secret.',
          );
        }
        secret.resourcePolicy = policy;
        return this.#changed(secret);
      },
    }),

    DeleteResourcePolicy: action({
      input: { SecretId: secretId },
      authorize: (input) => this.#on('DeleteResourcePolicy', input),
      run: ({ SecretId }) => {
        const secret = this.#usable(SecretId);
        delete secret.resourcePolicy;
        return this.#changed(secret);
      },
    }),
  };

  #put(
    secret: Secret,
    value: string,
    token: string | undefined,
    { caller, source }: Call,
    stages?: readonly string[],
  ): string {
    this.#useKey(secret, caller, 'encrypt');
    // SDKs send one by themselves.
    if (token === undefined && source === 'http') {
      throw new AwsError(
        'InvalidRequestException',
        'You must provide a ClientRequestToken value. We recommend a UUID-type value.',
      );
    }
    const id = token ?? randomUUID();
    const { kmsKeyId = 'DefaultEncryptionKey' } = secret;
    secret.put({ id, secretString: value, createdDate: new Date(this.account.now()), kmsKeyId }, stages);
    return id;
  }

  /** Notes that a secret was changed; returns what its actions tell of it. */
  #changed(secret: Secret): { readonly ARN: string; readonly Name: string } {
    secret.lastChangedDate = new Date(this.account.now());
    return { ARN: secret.arn, Name: secret.name };
  }

  /** A secret under a customer managed key needs a key that can be used, by a caller who may use it. */
  #useKey({ kmsKeyId }: Secret, caller: Principal, use: 'encrypt' | 'decrypt'): void {
    if (kmsKeyId === undefined) return;
    const permission = use === 'encrypt' ? 'kms:GenerateDataKey' : 'kms:Decrypt';
    try {
      if (this.kms.mayUse(caller, this.kms.usableKey(kmsKeyId), permission, 'secretsmanager')) return;
    } catch (thrown) {
      if (!(thrown instanceof AwsError) || thrown.code === 'NotFoundException') throw thrown;
      const { message, code, status } = thrown;
      throw new AwsError(
        use === 'encrypt' ? 'EncryptionFailure' : 'DecryptionFailure',
        `Secrets Manager can't ${use} the secret value: ${message} (Service: AWSKMS; Status Code: ${status}; Error Code: ${code}; Request ID: ${randomUUID()}; Proxy: null)`,
      );
    }
    throw new AwsError('AccessDeniedException', 'Access to KMS is not allowed');
  }

  /** Throws if a caller shuts itself out: with the tags that it sets it could not set them again. */
  #assertManageable({ caller }: Call, request: AuthorizationRequest): void {
    if (isAuthorized(caller, request)) return;
    throw new AwsError(
      'AccessDeniedException',
      'This resource policy will not allow you to manage this secret in the future.',
    );
  }

  #on(
    secretsManagerAction: string,
    { SecretId }: { readonly SecretId: string },
    context: AuthorizationRequest['context'] = {},
    tags = this.#find(SecretId)?.tags,
  ): AuthorizationRequest {
    const secret = this.#find(SecretId);
    const ofService = [...(tags ?? [])].map(([key, value]) => [`secretsmanager:ResourceTag/${key}`, value] as const);
    return {
      action: `secretsmanager:${secretsManagerAction}`,
      resource: secret?.arn ?? SecretId,
      resourceName: SecretId,
      context: {
        ...tagContext(undefined, tags),
        ...Object.fromEntries(ofService),
        ...(secret ? { 'secretsmanager:SecretId': secret.arn } : {}),
        ...context,
      },
      ...(secret?.resourcePolicy ? { resourcePolicy: secret.resourcePolicy } : {}),
    };
  }

  /** Finds a secret by its ARN, its name, or its ARN without the six characters at the end. */
  #find(id: string): Secret | undefined {
    this.#deleteDue();
    const byName = (name: string) => [...this.#secrets.values()].find((secret) => secret.name === name);
    return this.#secrets.get(id) ?? byName(id) ?? (id === this.#arnOf(nameIn(id)) ? byName(nameIn(id)) : undefined);
  }

  #arnOf(name: string): string {
    return this.account.arn('secretsmanager', `secret:${name}`);
  }

  /** The ARN of a new secret ends in six characters of its own. */
  #newArnOf(name: string): string {
    return this.#arnOf(`${name}-${uniqueIdSuffix().slice(0, 6)}`);
  }

  /** Deletes the secrets whose recovery window is over. */
  #deleteDue(): void {
    for (const { arn, deletion } of this.#secrets.values()) {
      if (deletion && deletion.due.getTime() <= this.account.now()) this.#secrets.delete(arn);
    }
  }

  #get(idOrName: string): Secret {
    const secret = this.#find(idOrName);
    if (!secret) {
      throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    }
    return secret;
  }

  #usable(idOrName: string): Secret {
    const secret = this.#get(idOrName);
    if (secret.deletion) {
      throw new AwsError(
        'InvalidRequestException',
        "You can't perform this operation on the secret because it was marked for deletion.",
      );
    }
    return secret;
  }
}

/** What is a secret's name in an ARN; a name stays itself. */
function nameIn(id: string): string {
  return id.replace(/^(?:[^:]*:){5}secret:/, '');
}

function readResourcePolicy(text: string): PolicyDocument {
  try {
    const policy: unknown = JSON.parse(text);
    if (isPolicyDocument(policy)) return policy;
  } catch {
    // Refused like every other text that is no policy.
  }
  throw new AwsError('MalformedPolicyDocumentException', 'This resource policy contains a syntax error.');
}

/** Whether a policy lets everybody in, without a condition. */
function isPublic({ Statement }: PolicyDocument): boolean {
  return listOf(Statement).some(({ Effect, Principal, Condition }) => {
    const everybody = Principal === '*' || listOf(Principal?.AWS ?? []).includes('*');
    return Effect === 'Allow' && everybody && Condition === undefined;
  });
}

function named(member: Member<string>, pattern: RegExp): Member<string> {
  return {
    required: true,
    read: (value, at) => {
      const read = member.read(value, at);
      if (pattern.test(read)) return read;
      throw new AwsError(
        'ValidationException',
        'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
      );
    },
  };
}
