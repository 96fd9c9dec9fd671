import {
  aws_iam as iam,
  aws_lambda as lambda,
  type aws_secretsmanager as secretsmanager,
  Duration,
  Fn,
  Stack,
  Token,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { CODES_TAG, STACK_ID_TAG } from '../../lambda/contract/own-tags';
import { acknowledgeWildcard } from './acknowledgement';
import { bundledFunction } from './bundled-function';
import { everySecretArn } from './secret-arns';
import { SeedKeys } from './seed-keys';

const CODE_FUNCTION_ID = 'Custom::IAMVirtualMFADeviceCodes';

/** `arn:<partition>:secretsmanager:<region>:<account>:secret:<name>-<six characters>` */
const NAME_IN_SECRET_ARN = 6;

/**
 * CloudFormation calls a secret by its logical id, a hyphen and 12 characters, and Secrets Manager adds 7. An alias may have 128.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html
 */
const LONGEST_LOGICAL_ID = 128 - 13 - 7;

/** The function of a stack that gives out the current codes of some devices, and the role that reads their seeds. */
export class CodeFunction extends Construct {
  /** The one of the stack that the construct is in. */
  public static of(scope: Construct): CodeFunction {
    const stack = Stack.of(scope);
    const existing = stack.node.tryFindChild(CODE_FUNCTION_ID) as CodeFunction | undefined;
    return existing ?? new CodeFunction(stack, CODE_FUNCTION_ID);
  }

  private readonly seedKeys: SeedKeys;
  private readonly latestVersion: lambda.IVersion;

  private constructor(scope: Construct, id: string) {
    super(scope, id);
    const { handler, role } = bundledFunction(this, {
      bundle: 'code-function',
      description: 'Gives out current codes of virtual MFA devices, not their seeds (cdk-iam-virtual-mfa)',
      roleDescription: 'Reads the seeds of which codes are given out',
      timeout: Duration.seconds(30),
    });
    this.latestVersion = handler.latestVersion;
    this.allowSeeds(role);
    this.seedKeys = new SeedKeys(this, 'SeedKeys', role, ['kms:Decrypt']);
  }

  /** The function as it may be invoked for one device: the alias says which, so that no payload can. */
  public aliasFor(
    device: Construct,
    seed: secretsmanager.ISecret,
    allowKeyOfAnotherAccount: boolean,
  ): lambda.IFunction {
    const cfnSeed = seed.node.defaultChild as secretsmanager.CfnSecret;
    // With the highest priority, so no aspect overrides it.
    cfnSeed.tags.setTag(CODES_TAG, 'true', Number.MAX_SAFE_INTEGER);
    if (seed.encryptionKey !== undefined) {
      this.seedKeys.allow(seed.encryptionKey, allowKeyOfAnotherAccount);
    }
    const { logicalId } = cfnSeed;
    this.node.addValidation({ validate: () => logicalIdProblems(device, logicalId) });
    return new lambda.Alias(device, 'Code', {
      description: 'Gives out the current code of one virtual MFA device',
      aliasName: Fn.select(NAME_IN_SECRET_ARN, Fn.split(':', seed.secretArn)),
      // Permissions name the alias, so it need not pin a version: the role and the code are this stack's own.
      version: this.latestVersion,
    });
  }

  /** One statement for any number of devices. */
  private allowSeeds(role: iam.Role): void {
    const stack = Stack.of(this);
    const secrets = everySecretArn(stack);
    const tags = { [`aws:ResourceTag/${STACK_ID_TAG}`]: stack.stackId, [`aws:ResourceTag/${CODES_TAG}`]: 'true' };
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['secretsmanager:GetSecretValue'],
        resources: [secrets],
        conditions: { StringEquals: tags },
      }),
    );
    acknowledgeWildcard(role, secrets, "The statement has a condition on the tags of this stack's granted secrets.");
  }
}

function logicalIdProblems(device: Construct, logicalId: string): string[] {
  const { length } = Token.asString(Stack.of(device).resolve(logicalId));
  return length <= LONGEST_LOGICAL_ID
    ? []
    : [
        `${device.node.path}: the logical id of the seed's secret has ${length} characters; allowed: ${LONGEST_LOGICAL_ID} for a device ` +
          'whose codes a function gives out, because the name of its alias begins with it. Give shorter construct ids.',
      ];
}
