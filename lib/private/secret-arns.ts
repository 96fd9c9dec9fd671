import { ArnFormat, type Stack } from 'aws-cdk-lib';

/** Names every secret of the stack's account and region: a condition on tags has to tell which are meant. */
export function everySecretArn(stack: Stack): string {
  return stack.formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: '*',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
