import { IAMClient } from '@aws-sdk/client-iam';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** The clients of the two services. */
export interface Clients {
  readonly iam: IAMClient;
  readonly secretsManager: SecretsManagerClient;
}

/** Clients of the function's own account and region. */
export function awsClients(): Clients {
  const configuration = {
    // AwsCalls decides what is tried again: see there.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  };
  return { iam: new IAMClient(configuration), secretsManager: new SecretsManagerClient(configuration) };
}
