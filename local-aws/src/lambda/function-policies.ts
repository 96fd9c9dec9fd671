import { evaluateResourcePolicy } from '../authorization';
import type { PolicyStatement } from '../policy-document';
import { AwsError, notImplemented } from '../protocol/aws-error';

/** One permission, with the names that AWS gives its members. */
export interface Permission {
  readonly StatementId: string;
  /** `lambda:InvokeFunction` */
  readonly Action: string;
  /** A service: `secretsmanager.amazonaws.com`. */
  readonly Principal: string;
  readonly SourceAccount?: string;
  readonly SourceArn?: string;
}

/** On whose behalf a service invokes a function. */
export interface InvocationSource {
  readonly account: string;
  readonly arn: string;
}

/** The resource policies of functions. An alias has a policy of its own: that of its function does not count. */
export class FunctionPolicies {
  readonly #statements = new Map<string, Map<string, PolicyStatement>>();

  /** Adds a statement as AddPermission writes it. */
  add(functionArn: string, permission: Permission): void {
    const statements = this.#statements.get(functionArn) ?? new Map<string, PolicyStatement>();
    const { StatementId } = permission;
    if (statements.has(StatementId)) {
      throw new AwsError(
        'ResourceConflictException',
        `The statement id (${StatementId}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
        409,
      );
    }
    this.#statements.set(functionArn, statements.set(StatementId, statementOf(functionArn, permission)));
  }

  remove(functionArn: string, statementId: string): void {
    this.#statements.get(functionArn)?.delete(statementId);
  }

  /** Forgets the policies of a function and of its aliases. */
  removeAll(functionArn: string): void {
    for (const arn of this.#statements.keys()) {
      if (arn === functionArn || arn.startsWith(`${functionArn}:`)) this.#statements.delete(arn);
    }
  }

  /** Whether a service may invoke the function on behalf of a resource. */
  mayInvoke(service: string, functionArn: string, { account, arn }: InvocationSource): boolean {
    const policy = { Version: '2012-10-17', Statement: [...(this.#statements.get(functionArn)?.values() ?? [])] };
    const request = { action: 'lambda:InvokeFunction', resource: functionArn };
    const context = { 'aws:SourceAccount': account, 'aws:SourceArn': arn };
    return evaluateResourcePolicy(policy, [service], request, context) === 'allowed';
  }
}

function statementOf(
  functionArn: string,
  { StatementId, Action, Principal, SourceAccount, SourceArn }: Permission,
): PolicyStatement {
  if (!/^[a-z.-]+\.amazonaws\.com(\.cn)?$/.test(Principal)) throw notImplemented(`a permission for ${Principal}`);
  const conditions = {
    ...(SourceAccount === undefined ? {} : { StringEquals: { 'AWS:SourceAccount': SourceAccount } }),
    ...(SourceArn === undefined ? {} : { ArnLike: { 'AWS:SourceArn': SourceArn } }),
  };
  return {
    Sid: StatementId,
    Effect: 'Allow',
    Principal: { Service: Principal },
    Action,
    Resource: functionArn,
    ...(Object.keys(conditions).length > 0 ? { Condition: conditions } : {}),
  };
}
