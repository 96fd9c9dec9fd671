import { aws_iam as iam, aws_lambda as lambda, aws_logs as logs, type Duration, RemovalPolicy } from 'aws-cdk-lib';
import { type Construct } from 'constructs';
import { type Bundle, bundledCode } from './bundled-code';

interface BundledFunctionProps {
  readonly bundle: Bundle;
  readonly description: string;
  readonly roleDescription: string;
  readonly timeout: Duration;
}

/** A function of this package, and its role, which may do nothing yet but log. */
export interface BundledFunction {
  readonly handler: lambda.Function;
  readonly role: iam.Role;
}

/** Declares a function of this package, with its role and its log group, in a construct of its own. */
export function bundledFunction(
  scope: Construct,
  { bundle, description, roleDescription, timeout }: BundledFunctionProps,
): BundledFunction {
  const logGroup = new logs.LogGroup(scope, 'Logs', {
    retention: logs.RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new iam.Role(scope, 'Role', {
    description: roleDescription,
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
  });
  // Without logs:CreateLogGroup, a late log line cannot bring back the group that was deleted with the stack.
  logGroup.grantWrite(role);
  const handler = new lambda.Function(scope, 'Handler', {
    description,
    code: bundledCode(scope, bundle),
    handler: 'index.handler',
    runtime: lambda.Runtime.NODEJS_24_X,
    // Lambda offers x86_64 in every region, arm64 not yet in all of them.
    architecture: lambda.Architecture.X86_64,
    // Both functions peak below 80 MB; but Lambda gives processor time in proportion, and at 128 MB a cold start takes four times as long.
    memorySize: 512,
    timeout,
    loggingFormat: lambda.LoggingFormat.JSON,
    logGroup,
    role,
  });
  return { handler, role };
}
