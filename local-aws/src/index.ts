import { Account } from './account';
import { bootstrap } from './bootstrap';
import { type CloudFormationService, cloudFormationService } from './cloudformation';
import type { Credentials } from './credentials';
import { Iam } from './iam';
import { Kms } from './kms';
import { invokeRoute } from './lambda/invoke-route';
import { LambdaService } from './lambda/lambda-service';
import { LogStore, logsService } from './logs';
import { S3 } from './s3';
import { SecretsManager } from './secretsmanager';
import { Scheduler } from './scheduler';
import { type RequestHandler, requestHandler, serve } from './server';
import { Ssm } from './ssm';
import { Sts } from './sts';

export type { Account } from './account';
export type { LoggedCall } from './call-log';
export type { CustomResourceEvent, CustomResourceObservation } from './cloudformation';
export { evaluate, type Scope } from './cloudformation/template/intrinsics';
export type { Credentials } from './credentials';
export { ConnectionReset, type Fault } from './faults';
export { nodeBinary } from './lambda/node-binary';
export { AwsError } from './protocol/aws-error';
export { documentedErrors } from './protocol/spec';
export type { RotationEvent, RotationInvoker, RotationOutcome } from './secretsmanager/rotation';
export type { RateLimit } from './throttling';

/** How an account is made; everything has a default. */
export interface LocalAwsOptions {
  /** Port on 127.0.0.1; a free one by default. */
  readonly port?: number;
  /** Twelve digits. */
  readonly accountId?: string;
  readonly region?: string;
  readonly partition?: string;
  /** Milliseconds since the epoch; the system's clock by default. */
  readonly now?: () => number;
  /** How long Lambda waits before it runs a failed asynchronous invocation again; AWS waits one and two minutes. */
  readonly asyncRetryDelaysMilliseconds?: readonly number[];
  /** Whether functions set the account's clock ahead instead of sleeping: nobody waits for them. */
  readonly functionsPassTime?: boolean;
  /** Whether DescribeStacks answers only when the stack's operation has ended. AWS answers at once, and the CDK CLI asks again after 5 s. */
  readonly describesStacksAtRest?: boolean;
}

/** A running account. */
export interface LocalAws {
  readonly account: Account;
  readonly cloudFormation: CloudFormationService;
  readonly iam: Iam['state'];
  readonly lambda: LambdaService;
  readonly logs: LogStore;
  /** Rotation, which only a test sets in motion. */
  readonly secretsManager: SecretsManager['rotations'];
  readonly scheduler: Scheduler;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Answers a request as the port does: for clients in this process, which then need no socket. */
  readonly handle: RequestHandler;
  /** Credentials of the account's root, with which everything begins. */
  readonly credentials: Credentials;
  /** What an SDK client needs to call the account as root. */
  readonly clientConfiguration: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: Pick<Credentials, 'accessKeyId' | 'secretAccessKey'>;
  };
  /** The environment that points CDK, the AWS CLI and every SDK to the account. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends the server and every process that it started. */
  close(): Promise<void>;
}

/** Starts an account on loopback, bootstrapped for CDK. */
export async function startLocalAws({
  port = 0,
  accountId = '123456789012',
  region = 'us-east-1',
  partition = 'aws',
  now = Date.now,
  asyncRetryDelaysMilliseconds,
  functionsPassTime = false,
  describesStacksAtRest = false,
}: LocalAwsOptions = {}): Promise<LocalAws> {
  const account = new Account({ accountId, region, partition, now });
  let url = '';
  const endpoint = () => url;

  const iam = new Iam(account);
  const kms = new Kms(account);
  const sts = new Sts(account, iam.state);
  const s3 = new S3(account);
  const logs = new LogStore(account.now);
  const readObject = (bucket: string, key: string) => s3.readObject(bucket, key);
  const lambda = new LambdaService(
    account,
    { assumeRole: (arn, session) => sts.assumeRoleForService(arn, session), readObject, endpoint, logs },
    { ...(asyncRetryDelaysMilliseconds === undefined ? {} : { asyncRetryDelaysMilliseconds }), functionsPassTime },
  );
  const secretsManager = new SecretsManager(account, kms, lambda);
  const services = [iam, kms, sts, secretsManager, new Ssm(account), logsService(account, logs)];
  const scheduler = new Scheduler(account, {
    roleForService: (...role) => sts.roleForService(...role),
    invoke: (arn, event) => lambda.invoke(arn, event),
  });
  const cloudFormation = cloudFormationService(account, {
    lambda,
    scheduler,
    readObject,
    endpoint,
    describesStacksAtRest,
  });
  for (const service of [...services, cloudFormation.service]) account.register(service);
  await bootstrap(account, s3);

  const handle = requestHandler(account, [s3.route, lambda.route, invokeRoute(account, lambda), cloudFormation.route]);
  const server = await serve(handle, port);
  ({ url } = server);
  const credentials = account.credentials.issueAccessKey(account.root);
  return {
    account,
    cloudFormation,
    iam: iam.state,
    lambda,
    logs,
    secretsManager: secretsManager.rotations,
    scheduler,
    url,
    handle,
    credentials,
    clientConfiguration: {
      endpoint: url,
      region,
      credentials: { accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey },
    },
    environment: {
      AWS_ENDPOINT_URL: url,
      AWS_ENDPOINT_URL_S3: url,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    close: async () => {
      await cloudFormation.close();
      await lambda.close();
      await server.close();
    },
  };
}
