import { Stack } from 'aws-cdk-lib';
import { type IConstruct } from 'constructs';

/**
 * Where `Validations.of(construct).acknowledge` puts what it is told, for plugins to read. It is not called itself: the
 * oldest aws-cdk-lib that this package takes does not have it, and later ones refuse the ids of some findings.
 *
 * @see https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.Validations.html
 */
const ACKNOWLEDGED_RULES_METADATA_KEY = 'aws:cdk:acknowledged-rules';

/**
 * Tells cdk-nag's pack AwsSolutions why a statement names a resource with a wildcard.
 *
 * @see https://github.com/cdklabs/cdk-nag/blob/main/RULES.md
 */
export function acknowledgeWildcard(construct: IConstruct, resource: string, reason: string): void {
  const finding = `Resource::${textOf(Stack.of(construct).resolve(resource))}`;
  acknowledge(construct, `AwsSolutions-IAM5[${finding}]`, reason);
}

/** Tells cdk-nag's pack AwsSolutions why a secret has no rotation schedule. */
export function acknowledgeNoRotationSchedule(construct: IConstruct, reason: string): void {
  acknowledge(construct, 'AwsSolutions-SMG4', reason);
}

function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  construct.node.addMetadata(ACKNOWLEDGED_RULES_METADATA_KEY, { [`AwsSolutions::${rule}`]: reason });
}

/** A text with references, as cdk-nag writes it: `arn:<AWS::Partition>:iam::<AWS::AccountId>:mfa/*`. */
function textOf(resolved: unknown): string {
  if (typeof resolved === 'string') {
    return resolved.replaceAll('${', '<').replaceAll('}', '>');
  }
  const { Ref, 'Fn::Join': join } = resolved as { Ref?: string; 'Fn::Join'?: [delimiter: string, parts: unknown[]] };
  return join === undefined ? `<${Ref}>` : join[1].map(textOf).join(join[0]);
}
