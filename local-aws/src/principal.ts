import type { PolicyDocument } from './policy-document';

/** Who makes a call, and what that identity may do. */
export interface Principal {
  readonly type: 'root' | 'user' | 'role';
  /** As GetCallerIdentity answers it: a user's ARN, or an assumed role's session ARN. */
  readonly arn: string;
  /** The user's ARN, or the ARN of the role itself: `aws:PrincipalArn`. */
  readonly principalArn: string;
  /** The unique id: `AIDA…`, `AROA…:session`, or the account id for root. */
  readonly userId: string;
  /** The user's or role's friendly name; absent for root. */
  readonly name?: string;
  /** The identity's policies at the moment of the call; undefined for root, which is not bound by policies. */
  policies(): readonly PolicyDocument[] | undefined;
  /** The permissions boundary, which must allow what the policies allow. */
  boundary?(): PolicyDocument | undefined;
  /** What the session may do at most, as its AssumeRole said. */
  readonly sessionPolicy?: PolicyDocument;
  /** Set on temporary credentials only, as on AWS: whether they were got with an MFA code. */
  readonly multiFactorAuthPresent?: boolean;
  /** Set on temporary credentials only: when they were issued. */
  readonly tokenIssueTime?: Date;
  /** Set where an MFA code was given: how long ago. */
  multiFactorAuthAgeSeconds?(): number;
}
