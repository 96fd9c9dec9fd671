import { type IConstruct } from 'constructs';

/**
 * Thrown at synthesis when a device cannot be deployed as declared.
 *
 * The class of the same name in aws-cdk-lib is internal, and its constructor has changed between versions; this one
 * begins its message with the construct path, as the CDK does for what it finds at synthesis.
 */
export class ValidationError extends Error {
  public constructor(scope: IConstruct, problem: string) {
    super(`[${scope.node.path}] ${problem}`);
    this.name = 'ValidationError';
  }
}
