import { IAMClient } from '@aws-sdk/client-iam';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { fromIni } from '@aws-sdk/credential-provider-ini';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { STSClient } from '@aws-sdk/client-sts';
import type { Clock } from '../../lambda/contract/clock';
import { CommandFailure, failures } from './command-failure';

export interface AwsAccessOptions {
  /** A profile of the shared configuration files; the default credential chain without it. */
  readonly profile?: string | undefined;
  readonly region?: string | undefined;
}

/** STS takes the codes of two time steps either way. */
const TOLERATED_CLOCK_OFFSET_MILLISECONDS = 60_000;

/** Next to the wire: an answer that is an error has the header too. */
const NEXT_TO_THE_WIRE = { step: 'deserialize', priority: 'low' } as const;

/** The clients of one principal, and what AWS's answers tell of the time. */
export class AwsAccess {
  readonly iam: IAMClient;
  readonly sts: STSClient;
  readonly #secretsManagers = new Map<string, SecretsManagerClient>();
  #lambda: LambdaClient | undefined;
  /** Milliseconds by which AWS's time is ahead of this machine's, by the last answer. */
  clockOffset = 0;

  constructor(
    private readonly options: AwsAccessOptions,
    private readonly clock: Clock,
  ) {
    this.iam = new IAMClient(this.#configuration());
    this.iam.middlewareStack.add(this.#watchClock, NEXT_TO_THE_WIRE);
    this.sts = new STSClient(this.#configuration());
    this.sts.middlewareStack.add(this.#watchClock, NEXT_TO_THE_WIRE);
  }

  secretsManager(region: string): SecretsManagerClient {
    const known = this.#secretsManagers.get(region);
    if (known) return known;
    const client = new SecretsManagerClient({ ...this.#configuration(), region });
    client.middlewareStack.add(this.#watchClock, NEXT_TO_THE_WIRE);
    this.#secretsManagers.set(region, client);
    return client;
  }

  lambda(region: string): LambdaClient {
    this.#lambda ??= new LambdaClient({ ...this.#configuration(), region });
    return this.#lambda;
  }

  /** The configured region. */
  async region(): Promise<string> {
    return calling('Reading the region', 'the profile', () => this.iam.config.region());
  }

  /** AWS's time, by the answers so far. */
  readonly time: Clock = {
    now: () => this.clock.now() + this.clockOffset,
    sleep: async (milliseconds, signal) => this.clock.sleep(milliseconds, signal),
  };

  /** Whether codes made here and now are those that AWS expects, by the answers so far. */
  get isClockRight(): boolean {
    return Math.abs(this.clockOffset) <= TOLERATED_CLOCK_OFFSET_MILLISECONDS;
  }

  /** @throws CommandFailure where codes made here and now would be refused */
  requireRightClock(): void {
    if (!this.isClockRight) throw failures.clockOff(this.clockOffset);
  }

  close(): void {
    for (const client of [this.iam, this.sts, this.#lambda, ...this.#secretsManagers.values()]) client?.destroy();
  }

  #configuration() {
    const { profile, region } = this.options;
    return {
      // The default chain would go on to other credentials where those of the profile cannot be had.
      ...(profile === undefined ? {} : { profile, credentials: fromIni({ profile }) }),
      ...(region === undefined ? {} : { region }),
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 20_000, throwOnRequestTimeout: true },
    };
  }

  /** Compares the clock with the `Date` header of every answer. */
  readonly #watchClock =
    <Arguments, Output extends { readonly response: unknown }>(next: (args: Arguments) => Promise<Output>) =>
    async (args: Arguments): Promise<Output> => {
      const output = await next(args);
      const { headers = {} } = output.response as { readonly headers?: Readonly<Record<string, string>> };
      const answered = Date.parse(headers['date'] ?? '');
      if (!Number.isNaN(answered)) this.clockOffset = answered - this.clock.now();
      return output;
    };
}

/** Puts what the SDK throws into words; what a command knows better, it catches before, by the error's name. */
export async function calling<T>(
  action: string,
  resource: string,
  call: () => Promise<T>,
  alternative?: string,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw asCommandFailure(error, action, resource, alternative);
  }
}

const DENIED = ['AccessDenied', 'AccessDeniedException'];
const REFUSED_CREDENTIALS = [
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'ExpiredToken',
  'ExpiredTokenException',
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
];

/** What was thrown, in words; what `calling` would throw. */
export function asCommandFailure(error: unknown, action: string, resource: string, alternative?: string): unknown {
  if (!(error instanceof Error) || error instanceof CommandFailure) return error;
  if (error.name === 'CredentialsProviderError') return failures.noCredentials(error.message);
  if (error.message.includes('Region is missing')) return failures.noRegion();
  if (DENIED.includes(error.name)) {
    // It may be another call that was denied: that for the role of a profile.
    // A user is named without path and ARN, everything else by its ARN.
    const [, denied = action, on = resource] =
      /to perform: ([\w:]+) on resource: (user \S+|\S+)/.exec(error.message) ?? [];
    const isOwn = denied.toLowerCase() === action.toLowerCase();
    return failures.accessDenied(denied, isOwn ? resource : on, error.message, isOwn ? alternative : undefined);
  }
  if (REFUSED_CREDENTIALS.includes(error.name)) return failures.credentialsRefused(error.message);
  // Known to the command that called, by its name.
  if (/^(?:NoSuchEntity|ResourceNotFound|InvalidRequest|InvalidAuthenticationCode)/.test(error.name)) return error;
  if (isKeyFailure(error)) return error;
  return failures.unexpected(action, `${error.name}: ${error.message}`);
}

/** Whether AWS answered that something does not exist. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && /^(?:NoSuchEntity|ResourceNotFound)/.test(error.name);
}

/**
 * Whether nobody can use the KMS key of a secret, because it is disabled, about to be deleted, or gone.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 */
export function isKeyFailure({ name }: Error): boolean {
  return /^(?:DecryptionFailure|EncryptionFailure|KMSInvalidState)/.test(name);
}
