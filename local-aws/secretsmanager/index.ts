import { randomUUID } from 'node:crypto';
import type { Account } from '../account';
import { uniqueIdSuffix } from '../credentials';
import { setTags, tagContext, tagKey, tagListOf, tags } from '../iam/inputs';
import type { Kms } from '../kms';
import type { Principal } from '../principal';
import { AwsError } from '../protocol/aws-error';
import { flag, integer, list, optional, text } from '../protocol/members';
import { action, type AuthorizationRequest, type RpcService } from '../service';
import { page, paging } from './page';
import { CURRENT, Secret } from './secret';
import { filters, passes } from './secret-filter';

const secretId = text({ min: 1, max: 2048 });
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
        Name: text({ min: 1, max: 512, pattern: /^[\w/+=.@-]+$/ }),
        Description: optional(description),
        KmsKeyId: optional(text()),
        SecretString: optional(secretString),
        ClientRequestToken: optional(versionId),
        Tags: optional(tags),
      },
      authorize: ({ Name, Tags }) => ({
        action: 'secretsmanager:CreateSecret',
        resource: this.account.arn('secretsmanager', `secret:${Name}-??????`),
        context: tagContext(Tags, undefined),
      }),
      run: ({ Name, Description, KmsKeyId, SecretString, ClientRequestToken, Tags = [] }, { caller }) => {
        const existing = this.#find(Name);
        if (existing) {
          // The SDK gives every request a token: a retry of one that had taken effect gets its answer.
          if (ClientRequestToken !== undefined && existing.holds(ClientRequestToken, SecretString)) {
            return { ARN: existing.arn, Name, VersionId: ClientRequestToken };
          }
          throw existing.deletedDate
            ? new AwsError(
                'InvalidRequestException',
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
              )
            : new AwsError(
                'ResourceExistsException',
                `The operation failed because the secret ${Name} already exists.`,
              );
        }
        const arn = this.account.arn('secretsmanager', `secret:${Name}-${uniqueIdSuffix().slice(0, 6)}`);
        const secret = new Secret(Name, arn, new Date(this.account.now()));
        if (Description !== undefined) secret.description = Description;
        if (KmsKeyId !== undefined) secret.kmsKeyId = KmsKeyId;
        setTags(secret.tags, Tags);
        const VersionId =
          SecretString === undefined
            ? undefined
            : this.#put(secret, SecretString, ClientRequestToken, [CURRENT], caller);
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
      run: ({ SecretId, SecretString, ClientRequestToken, VersionStages = [CURRENT] }, { caller }) => {
        const secret = this.#usable(SecretId);
        const VersionId = this.#put(secret, SecretString, ClientRequestToken, VersionStages, caller);
        return { ARN: secret.arn, Name: secret.name, VersionId, VersionStages: secret.stagesOf(VersionId) };
      },
    }),

    GetSecretValue: action({
      input: { SecretId: secretId, VersionId: optional(versionId), VersionStage: optional(versionStage) },
      authorize: (input) => this.#on('GetSecretValue', input),
      run: ({ SecretId, VersionId, VersionStage }, { caller }) => {
        const secret = this.#usable(SecretId);
        const version = secret.version(VersionId, VersionStage);
        this.#authorizeKey(secret, caller, ['kms:Decrypt']);
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
      run: ({ SecretId }) => {
        const secret = this.#get(SecretId);
        return { ...described(secret), VersionIdsToStages: stagesByVersion(secret) };
      },
    }),

    ListSecrets: action({
      input: { ...paging, Filters: optional(filters), IncludePlannedDeletion: optional(flag()) },
      authorize: () => ({ action: 'secretsmanager:ListSecrets', resource: '*' }),
      run: ({ Filters = [], IncludePlannedDeletion = false, ...place }) => {
        this.#deleteDue();
        const found = [...this.#secrets.values()]
          .filter(({ deletedDate }) => IncludePlannedDeletion || deletedDate === undefined)
          .filter((secret) => passes(secret, Filters));
        const { items, ...next } = page(found, place);
        return {
          SecretList: items.map((secret) => ({
            ...described(secret),
            SecretVersionsToStages: stagesByVersion(secret),
          })),
          ...next,
        };
      },
    }),

    ListSecretVersionIds: action({
      input: { ...paging, SecretId: secretId, IncludeDeprecated: optional(flag()) },
      authorize: (input) => this.#on('ListSecretVersionIds', input),
      run: ({ SecretId, IncludeDeprecated = false, ...place }) => {
        const secret = this.#get(SecretId);
        const versions = secret
          .versions()
          .map(({ id, createdDate }) => ({
            VersionId: id,
            VersionStages: secret.stagesOf(id),
            CreatedDate: createdDate,
          }))
          .filter(({ VersionStages }) => IncludeDeprecated || VersionStages.length > 0);
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
          throw new AwsError(
            'InvalidParameterException',
            `The parameter RemoveFromVersionId can't be empty or different: Staging label ${VersionStage} is currently attached to version ${holder ?? 'none'}, so you must explicitly reference that version in RemoveFromVersionId.`,
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
        return { ARN: secret.arn, Name: secret.name };
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
      run: ({ SecretId, Description, KmsKeyId, SecretString, ClientRequestToken }, { caller }) => {
        const secret = this.#usable(SecretId);
        if (Description !== undefined) secret.description = Description;
        if (KmsKeyId !== undefined) secret.kmsKeyId = KmsKeyId;
        const VersionId =
          SecretString === undefined
            ? undefined
            : this.#put(secret, SecretString, ClientRequestToken, [CURRENT], caller);
        return { ARN: secret.arn, Name: secret.name, ...(VersionId === undefined ? {} : { VersionId }) };
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
        const secret = this.#get(SecretId);
        const deletionDate = new Date(
          this.account.now() + (ForceDeleteWithoutRecovery ? 0 : (RecoveryWindowInDays ?? 30) * 86_400_000),
        );
        if (ForceDeleteWithoutRecovery) this.#secrets.delete(secret.arn);
        else secret.deletedDate = deletionDate;
        return { ARN: secret.arn, Name: secret.name, DeletionDate: deletionDate };
      },
    }),

    RestoreSecret: action({
      input: { SecretId: secretId },
      authorize: (input) => this.#on('RestoreSecret', input),
      run: ({ SecretId }) => {
        const secret = this.#get(SecretId);
        delete secret.deletedDate;
        return { ARN: secret.arn, Name: secret.name };
      },
    }),

    TagResource: action({
      input: { SecretId: secretId, Tags: tags },
      authorize: ({ SecretId, Tags }) => this.#on('TagResource', { SecretId }, tagContext(Tags, undefined)),
      run: ({ SecretId, Tags }) => void setTags(this.#usable(SecretId).tags, Tags),
    }),

    UntagResource: action({
      input: { SecretId: secretId, TagKeys: list(tagKey) },
      authorize: (input) => this.#on('UntagResource', input),
      run: ({ SecretId, TagKeys }) => {
        const secret = this.#usable(SecretId);
        for (const key of TagKeys) secret.tags.delete(key);
      },
    }),

    PutResourcePolicy: action({
      input: { SecretId: secretId, ResourcePolicy: text({ min: 1, max: 20_480 }), BlockPublicPolicy: optional(flag()) },
      authorize: (input) => this.#on('PutResourcePolicy', input),
      run: ({ SecretId, ResourcePolicy }) => {
        const secret = this.#usable(SecretId);
        secret.resourcePolicy = ResourcePolicy;
        return { ARN: secret.arn, Name: secret.name };
      },
    }),

    DeleteResourcePolicy: action({
      input: { SecretId: secretId },
      authorize: (input) => this.#on('DeleteResourcePolicy', input),
      run: ({ SecretId }) => {
        const secret = this.#usable(SecretId);
        delete secret.resourcePolicy;
        return { ARN: secret.arn, Name: secret.name };
      },
    }),
  };

  #put(secret: Secret, value: string, token: string | undefined, stages: readonly string[], caller: Principal): string {
    this.#authorizeKey(secret, caller, ['kms:GenerateDataKey', 'kms:Decrypt']);
    const id = token ?? randomUUID();
    secret.put({ id, secretString: value, createdDate: new Date(this.account.now()) }, stages);
    return id;
  }

  /** A secret under a customer managed key is readable only for who may use the key. */
  #authorizeKey({ kmsKeyId }: Secret, caller: Principal, uses: readonly string[]): void {
    if (kmsKeyId !== undefined) this.kms.authorizeUse(caller, kmsKeyId, uses, 'secretsmanager');
  }

  #on(
    secretsManagerAction: string,
    { SecretId }: { readonly SecretId: string },
    context: AuthorizationRequest['context'] = {},
  ): AuthorizationRequest {
    const secret = this.#find(SecretId);
    return {
      action: `secretsmanager:${secretsManagerAction}`,
      resource: secret?.arn ?? SecretId,
      context: { ...tagContext(undefined, secret?.tags), ...context },
    };
  }

  #find(idOrName: string): Secret | undefined {
    this.#deleteDue();
    return this.#secrets.get(idOrName) ?? [...this.#secrets.values()].find(({ name }) => name === idOrName);
  }

  /** Deletes the secrets whose recovery window is over. */
  #deleteDue(): void {
    for (const { arn, deletedDate } of this.#secrets.values()) {
      if (deletedDate && deletedDate.getTime() <= this.account.now()) this.#secrets.delete(arn);
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
    if (secret.deletedDate) {
      throw new AwsError(
        'InvalidRequestException',
        "You can't perform this operation on the secret because it was marked for deletion.",
      );
    }
    return secret;
  }
}

function described(secret: Secret): Record<string, unknown> {
  return {
    ARN: secret.arn,
    Name: secret.name,
    Description: secret.description,
    KmsKeyId: secret.kmsKeyId,
    DeletedDate: secret.deletedDate,
    CreatedDate: secret.createdDate,
    Tags: tagListOf(secret.tags),
  };
}

/** The labels of the versions that have any; ListSecrets and DescribeSecret call them differently. */
function stagesByVersion(secret: Secret): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    secret
      .versions()
      .map(({ id }) => [id, secret.stagesOf(id)] as const)
      .filter(([, stages]) => stages.length > 0),
  );
}
