import type { PolicyDocument } from '../policy-document';

function allow(...actions: string[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: actions, Resource: '*' } };
}

/** The AWS managed policies that the account knows, by the part of the ARN after `arn:<partition>:iam::aws:policy/`. */
const AWS_MANAGED_POLICIES: Readonly<Record<string, PolicyDocument>> = {
  AdministratorAccess: allow('*'),
  ReadOnlyAccess: allow('iam:Get*', 'iam:List*', 's3:Get*', 's3:List*', 'secretsmanager:List*', 'sts:Get*'),
  IAMFullAccess: allow('iam:*'),
  'service-role/AWSLambdaBasicExecutionRole': allow('logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'),
};

export function awsManagedPolicy(arn: string): PolicyDocument | undefined {
  const [, name] = /^arn:[\w-]+:iam::aws:policy\/(.+)$/.exec(arn) ?? [];
  return name === undefined ? undefined : AWS_MANAGED_POLICIES[name];
}
