import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { IAMClient } from '@aws-sdk/client-iam';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** The clients of the services. */
export interface Clients {
  readonly cloudFormation: CloudFormationClient;
  readonly iam: IAMClient;
  readonly secretsManager: SecretsManagerClient;
}

const requestHandler = { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true };

/** Clients of the function's own account and region. */
export function awsClients(): Clients {
  // AwsCalls decides what is tried again: see there.
  const configuration = { maxAttempts: 1, requestHandler };
  return {
    cloudFormation: new CloudFormationClient(configuration),
    iam: new IAMClient(configuration),
    secretsManager: new SecretsManagerClient(configuration),
  };
}

/** For a single read, which the SDK's own retries serve. */
export function secretsManagerThatRetries(): SecretsManagerClient {
  return new SecretsManagerClient({ requestHandler });
}
