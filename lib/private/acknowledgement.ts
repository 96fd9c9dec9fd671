import { Stack, Validations } from 'aws-cdk-lib';
import { type IConstruct } from 'constructs';

/** What cdk-nag's pack AwsSolutions would report of a construct, and why it is as it should be. */
const PACK = 'AwsSolutions';

/**
 * Says why a statement names a resource with a wildcard.
 *
 * @see https://github.com/cdklabs/cdk-nag/blob/main/RULES.md
 */
export function acknowledgeWildcard(construct: IConstruct, resource: string, reason: string): void {
  const finding = `Resource::${textOf(Stack.of(construct).resolve(resource))}`;
  acknowledge(construct, `AwsSolutions-IAM5[${finding}]`, reason);
}

/** Says why a secret has no rotation schedule. */
export function acknowledgeNoRotationSchedule(construct: IConstruct, reason: string): void {
  acknowledge(construct, 'AwsSolutions-SMG4', reason);
}

function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: `${PACK}::${rule}`, reason });
}

/** A text with references, as cdk-nag writes it: `arn:<AWS::Partition>:iam::<AWS::AccountId>:mfa/*`. */
function textOf(resolved: unknown): string {
  if (typeof resolved === 'string') {
    return resolved.replaceAll('${', '<').replaceAll('}', '>');
  }
  const { Ref, 'Fn::Join': join } = resolved as { Ref?: string; 'Fn::Join'?: [delimiter: string, parts: unknown[]] };
  return join === undefined ? `<${Ref}>` : join[1].map(textOf).join(join[0]);
}
