import { randomUUID } from 'node:crypto';
import type { Account } from '../account';
import { type AuthorizationRequest, isAuthorized } from '../authorization';
import { uniqueIdSuffix } from '../credentials';
import { tagContext } from '../iam/inputs';
import type { Kms } from '../kms';
import { isPolicyDocument, listOf, type PolicyDocument } from '../policy-document';
import type { Principal } from '../principal';
import { AwsError } from '../protocol/aws-error';
import { specOf } from '../protocol/spec';
import type { Actions, Call, RpcService } from '../service';
import { describedSecret, describedStages, describedVersions, page } from './descriptions';
import { type RotationFunctions, type RotationOutcome, Rotations } from './rotation';
import { CURRENT, Secret } from './secret';
import { passes, readFilter } from './secret-filter';
import { assertNotReserved, tagMapOf, tagSecret } from './tags';

const DAY_MILLISECONDS = 86_400_000;
const TOKEN_IS_MISSING = 'You must provide a ClientRequestToken value. We recommend a UUID-type value.';

/** AWS Secrets Manager: secrets with versions, staging labels, scheduled deletion. */
export class SecretsManager implements RpcService {
  readonly name = 'secretsmanager';
  readonly protocol = 'json';
  readonly namespace = 'secretsmanager';
  readonly spec = specOf('secretsmanager');
  readonly echoesValues = true;
  readonly rotations: Rotations;
  readonly #secrets = new Map<string, Secret>();

  constructor(
    private readonly account: Account,
    private readonly kms: Kms,
    lambda: RotationFunctions,
  ) {
    this.rotations = new Rotations(account, lambda, () => {
      this.#deleteDue();
      return this.#secrets.values();
    });
  }

  readonly actions: Actions<'secretsmanager'> = {
    CreateSecret: {
      takes: ['Name', 'Description', 'KmsKeyId', 'SecretString', 'ClientRequestToken', 'Tags'],
      authorize: ({ Name, Tags = [] }) => {
        const create = {
          action: 'secretsmanager:CreateSecret',
          resource: this.#arnOf(`${requireName(Name)}-??????`),
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
    },

    PutSecretValue: {
      takes: ['SecretId', 'SecretString', 'ClientRequestToken', 'VersionStages', 'RotationToken'],
      run: ({ SecretId, SecretString, ClientRequestToken, VersionStages }, call) => {
        const secret = this.#usable(SecretId);
        if (SecretString === undefined) {
          throw new AwsError('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
        }
        const VersionId = this.#put(secret, SecretString, ClientRequestToken, call, VersionStages);
        return { ...this.#changed(secret), VersionId, ...describedStages(secret, VersionId) };
      },
    },

    GetSecretValue: {
      takes: ['SecretId', 'VersionId', 'VersionStage'],
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
          ...describedStages(secret, version.id),
          CreatedDate: version.createdDate,
        };
      },
    },

    DescribeSecret: {
      takes: ['SecretId'],
      run: ({ SecretId }) => describedSecret(this.#get(SecretId), 'VersionIdsToStages'),
    },

    ListSecrets: {
      takes: ['MaxResults', 'NextToken', 'Filters', 'IncludePlannedDeletion'],
      authorize: () => ({ action: 'secretsmanager:ListSecrets', resource: '*' }),
      run: ({ Filters = [], IncludePlannedDeletion = false, ...place }) => {
        const filters = Filters.map(readFilter);
        this.#deleteDue();
        const found = [...this.#secrets.values()]
          .filter(({ deletion }) => IncludePlannedDeletion || deletion === undefined)
          .filter((secret) => passes(secret, filters));
        const { items, ...next } = page(found, place);
        return { SecretList: items.map((secret) => describedSecret(secret, 'SecretVersionsToStages')), ...next };
      },
    },

    ListSecretVersionIds: {
      takes: ['MaxResults', 'NextToken', 'SecretId', 'IncludeDeprecated'],
      run: ({ SecretId, IncludeDeprecated = false, ...place }) => {
        const secret = this.#get(SecretId);
        const versions = describedVersions(secret).filter(
          ({ VersionStages }) => IncludeDeprecated || VersionStages !== undefined,
        );
        const { items, ...next } = page(versions, place);
        return { ARN: secret.arn, Name: secret.name, Versions: items, ...next };
      },
    },

    UpdateSecretVersionStage: {
      takes: ['SecretId', 'VersionStage', 'RemoveFromVersionId', 'MoveToVersionId'],
      run: ({ SecretId, VersionStage, RemoveFromVersionId, MoveToVersionId }) => {
        const secret = this.#usable(SecretId);
        const holder = secret.versionWithLabel(VersionStage);
        if (holder !== RemoveFromVersionId && (holder !== MoveToVersionId || RemoveFromVersionId !== undefined)) {
          const wrong = RemoveFromVersionId ?? 'empty';
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
    },

    UpdateSecret: {
      takes: ['SecretId', 'Description', 'KmsKeyId', 'SecretString', 'ClientRequestToken'],
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
    },

    DeleteSecret: {
      takes: ['SecretId', 'ForceDeleteWithoutRecovery', 'RecoveryWindowInDays'],
      run: ({ SecretId, ForceDeleteWithoutRecovery = false, RecoveryWindowInDays }) => {
        if (ForceDeleteWithoutRecovery && RecoveryWindowInDays !== undefined) {
          throw new AwsError(
            'InvalidParameterException',
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
          );
        }
        const requested = new Date(this.account.now());
        const days = ForceDeleteWithoutRecovery ? 0 : (RecoveryWindowInDays ?? 30);
        if (RecoveryWindowInDays !== undefined && (days < 7 || days > 30)) {
          throw new AwsError(
            'InvalidParameterException',
            'The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).',
          );
        }
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
    },

    RestoreSecret: {
      takes: ['SecretId'],
      run: ({ SecretId }) => {
        const secret = this.#get(SecretId);
        delete secret.deletion;
        return this.#changed(secret);
      },
    },

    RotateSecret: {
      takes: ['SecretId', 'ClientRequestToken', 'RotationLambdaARN', 'RotationRules', 'RotateImmediately'],
      authorize: ({ SecretId, RotationLambdaARN }) => [
        this.#on('RotateSecret', { SecretId }),
        ...(RotationLambdaARN === undefined ? [] : [{ action: 'lambda:InvokeFunction', resource: RotationLambdaARN }]),
      ],
      run: async (
        { SecretId, ClientRequestToken, RotationLambdaARN, RotationRules, RotateImmediately },
        { source },
      ) => {
        const secret = this.#usable(SecretId);
        if (ClientRequestToken === undefined && source === 'http') {
          throw new AwsError('InvalidParameterException', TOKEN_IS_MISSING);
        }
        const token = ClientRequestToken ?? randomUUID();
        const answer = { ARN: secret.arn, Name: secret.name, VersionId: token };
        // A retry of a request that had taken effect.
        if (secret.stagesOf(token).length > 0 || secret.has(token)) return answer;
        const immediately = RotateImmediately ?? true;
        const rotation = this.rotations.configure(secret, {
          token,
          functionArn: RotationLambdaARN,
          rules: RotationRules,
          immediately,
        });
        this.#changed(secret);
        if (source === 'cloudformation' && !immediately) await this.#assertTested(secret, rotation);
        return answer;
      },
    },

    CancelRotateSecret: {
      takes: ['SecretId'],
      run: ({ SecretId }) => {
        const secret = this.#usable(SecretId);
        this.rotations.cancel(secret);
        return this.#changed(secret);
      },
    },

    TagResource: {
      takes: ['SecretId', 'Tags'],
      authorize: ({ SecretId, Tags }) => this.#on('TagResource', { SecretId }, tagContext(Tags, undefined)),
      run: ({ SecretId, Tags }, call) => {
        const secret = this.#usable(SecretId);
        const changed = new Map([...secret.tags, ...tagMapOf(Tags)]);
        this.#assertManageable(call, this.#on('TagResource', { SecretId }, tagContext(Tags, undefined), changed));
        tagSecret(secret, Tags, call);
        this.#changed(secret);
      },
    },

    UntagResource: {
      takes: ['SecretId', 'TagKeys'],
      authorize: ({ SecretId, TagKeys }) => this.#on('UntagResource', { SecretId }, { 'aws:TagKeys': TagKeys }),
      run: ({ SecretId, TagKeys }, call) => {
        const secret = this.#usable(SecretId);
        assertNotReserved(TagKeys);
        const left = new Map([...secret.tags].filter(([key]) => !TagKeys.includes(key)));
        this.#assertManageable(call, this.#on('UntagResource', { SecretId }, { 'aws:TagKeys': TagKeys }, left));
        for (const key of TagKeys) secret.tags.delete(key);
      },
    },

    PutResourcePolicy: {
      takes: ['SecretId', 'ResourcePolicy', 'BlockPublicPolicy'],
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
    },

    DeleteResourcePolicy: {
      takes: ['SecretId'],
      run: ({ SecretId }) => {
        const secret = this.#usable(SecretId);
        delete secret.resourcePolicy;
        return this.#changed(secret);
      },
    },
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
      throw new AwsError('InvalidRequestException', TOKEN_IS_MISSING);
    }
    const id = token ?? randomUUID();
    const { kmsKeyId = 'DefaultEncryptionKey' } = secret;
    secret.put({ id, secretString: value, createdDate: new Date(this.account.now()), kmsKeyId }, stages);
    // Where the rules are a number of days, a value that is put by hand counts as a rotation.
    const { rotation } = secret;
    if (rotation?.rules?.AutomaticallyAfterDays !== undefined && secret.versionWithLabel(CURRENT) === id) {
      rotation.countedFrom = this.account.now();
    }
    return id;
  }

  /** Notes that a secret was changed; returns what its actions tell of it. */
  #changed(secret: Secret): { readonly ARN: string; readonly Name: string } {
    secret.lastChangedDate = new Date(this.account.now());
    return { ARN: secret.arn, Name: secret.name };
  }

  /** A stack fails where the function fails the test; then the secret is not rotated. */
  async #assertTested(secret: Secret, test: Promise<RotationOutcome | undefined>): Promise<void> {
    const { error } = (await test) ?? {};
    if (error === undefined) return;
    this.rotations.cancel(secret);
    throw new AwsError('InvalidRequestException', `The rotation function failed the test: ${error.message}`);
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

  /** On the secret that the input names. */
  authorize(name: string, { SecretId = '' }: { readonly SecretId?: string }): AuthorizationRequest {
    return this.#on(name, { SecretId });
  }

  #on(
    secretsManagerAction: string,
    { SecretId }: { readonly SecretId: string },
    context: AuthorizationRequest['context'] = {},
    tags: Map<string, string> | undefined = this.#find(SecretId)?.tags,
  ): AuthorizationRequest {
    const secret = this.#find(requireName(SecretId));
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

const NAME = /^[\w/+=.@!-]+$/;
const ARN = /^arn:[\w:/+=.@!-]+$/;

/** Throws for what is neither the name nor the ARN of a secret. */
function requireName(id: string): string {
  if (NAME.test(id) || ARN.test(id)) return id;
  throw new AwsError(
    'ValidationException',
    'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
  );
}
