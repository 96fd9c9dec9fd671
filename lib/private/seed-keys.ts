import { aws_iam as iam, aws_kms as kms, Lazy, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { acknowledgeWildcard } from './acknowledgement';
import { resourceReferenceProblems } from './dynamic-references';
import { generationOf, makeAnewForAnotherSet } from './policy-generation';
import { targetKeyOf } from './target-key';
import { ValidationError } from './validation-error';

/**
 * The ARNs of 25 keys take 2,250 characters, twice during an update. The inline policies of a role have 10,240 together.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const MAX_NAMED_KEYS = 25;

/**
 * Lets a function's role use the keys of the stack's seeds, through Secrets Manager alone.
 *
 * One statement names the keys. If they are too many to name, it allows all keys of the account and region. That opens
 * no other secret: Secrets Manager gives the role nothing but the secrets of its own stack.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-authz
 */
export class SeedKeys extends Construct {
  private readonly ownKeys = new Set<string>();
  private readonly keysOfOtherAccounts = new Set<string>();
  /** By the ARN that was given. */
  private readonly keysInOwnAccount = new Map<string, kms.IKey>();

  public constructor(
    scope: Construct,
    id: string,
    private readonly role: iam.IRole,
    private readonly actions: readonly string[],
  ) {
    super(scope, id);
  }

  /**
   * Allows a key; the devices whose seeds it encrypts depend on this construct.
   *
   * @returns the key as the secret has to name it: it, and whoever is granted to read it, gets the ARN that is allowed here
   * @throws ValidationError when there are more keys of other accounts than the policy can name
   */
  public allow(keyOrAlias: kms.IKey, allowKeyOfAnotherAccount: boolean): kms.IKey {
    const given = targetKeyOf(this, keyOrAlias);
    if (this.node.tryFindChild('Policy') === undefined) {
      this.makePolicy();
    }
    if (!allowKeyOfAnotherAccount) {
      const key = this.inOwnAccount(given);
      this.ownKeys.add(key.keyArn);
      return key;
    }
    this.keysOfOtherAccounts.add(given.keyArn);
    if (this.keysOfOtherAccounts.size > MAX_NAMED_KEYS) {
      throw new ValidationError(
        this,
        `encryptionKey: got more than ${MAX_NAMED_KEYS} keys with allowKeyOfAnotherAccount in stack ` +
          `${Stack.of(this).stackName}; allowed: ${MAX_NAMED_KEYS}. Share keys between devices, or split the users over several stacks.`,
      );
    }
    return given;
  }

  private makePolicy(): void {
    const { region, urlSuffix } = Stack.of(this);
    // The suffix differs in China alone. There CDK's own key policies have the first form, and AWS's examples the second.
    const secretsManager = ['amazonaws.com', urlSuffix].map((suffix) => `secretsmanager.${region}.${suffix}`);
    const statement = (): iam.PolicyStatement =>
      new iam.PolicyStatement({
        actions: [...this.actions],
        resources: this.resources(),
        conditions: { StringEquals: { 'kms:ViaService': secretsManager } },
      });
    const named = (): string[] =>
      (Stack.of(this).resolve(this.resources()) as unknown[]).map((arn) => JSON.stringify(arn));
    const policy = new iam.CfnPolicy(this, 'Policy', {
      // During an update two of them are the role's, told by their names.
      policyName: Lazy.uncachedString({ produce: () => `SeedKeys${generationOf(named())}` }),
      roles: [this.role.roleName],
      policyDocument: Lazy.any({ produce: () => new iam.PolicyDocument({ statements: [statement()] }) }),
    });
    makeAnewForAnotherSet(policy, named);
    this.node.addValidation({ validate: () => resourceReferenceProblems(policy) });
    acknowledgeWildcard(
      this,
      this.arnOfOwnKey('*'),
      'Through Secrets Manager, which opens the stack’s own secrets alone.',
    );
  }

  private resources(): string[] {
    const named = [...new Set([...this.ownKeys, ...this.keysOfOtherAccounts])];
    return named.length <= MAX_NAMED_KEYS ? named : [this.arnOfOwnKey('*'), ...this.keysOfOtherAccounts];
  }

  /**
   * A key whose account is not known before the deployment, as the key of that id in the stack's own account. If it belongs to
   * another account, there is no such key, and nothing can be encrypted under it.
   */
  private inOwnAccount(given: kms.IKey): kms.IKey {
    if (given.env.account === Stack.of(this).account) {
      return given;
    }
    const key =
      this.keysInOwnAccount.get(given.keyArn) ??
      kms.Key.fromKeyArn(this, `Key${this.keysInOwnAccount.size}`, this.arnOfOwnKey(given.keyId));
    this.keysInOwnAccount.set(given.keyArn, key);
    return key;
  }

  private arnOfOwnKey(keyId: string): string {
    return Stack.of(this).formatArn({ service: 'kms', resource: 'key', resourceName: keyId });
  }
}
