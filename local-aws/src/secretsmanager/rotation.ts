import { randomUUID } from 'node:crypto';
import type { Account } from '../account';
import type { LambdaService } from '../lambda/lambda-service';
import { AwsError } from '../protocol/aws-error';
import { assertValidRules, nextWindow, type RotationRules } from './rotation-schedule';
import { CURRENT, PENDING, type Secret, type SecretRotation } from './secret';

/** The steps of a rotation. A test of the configuration runs only `testSecret`. */
const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

/**
 * What a rotation function is invoked with.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
export interface RotationEvent {
  readonly Step: (typeof STEPS)[number];
  /** The secret's ARN. */
  readonly SecretId: string;
  /** Id of the version that the rotation makes. */
  readonly ClientRequestToken: string;
  readonly RotationToken: string;
}

/** Runs one step; rejects where the function fails. */
export type RotationInvoker = (functionArn: string, event: RotationEvent) => Promise<void>;

/** How a rotation ended, named as the event that CloudTrail records. */
export interface RotationOutcome {
  readonly eventName: 'RotationSucceeded' | 'RotationFailed' | 'TestRotationSucceeded' | 'TestRotationFailed';
  readonly secretArn: string;
  readonly versionId: string;
  /** Why it failed. */
  readonly error?: Error;
}

/** What RotateSecret is asked to do. */
export interface RotationRequest {
  readonly token: string;
  readonly functionArn?: string | undefined;
  readonly rules?: RotationRules | undefined;
  readonly immediately: boolean;
}

/** A rotation, or a test of its configuration. */
interface Attempt {
  readonly token: string;
  readonly test: boolean;
}

/** What Secrets Manager needs of Lambda. */
export type RotationFunctions = Pick<LambdaService, 'hasFunction' | 'invoke' | 'mayInvoke'>;

const SERVICE = 'secretsmanager.amazonaws.com';

/** Rotates secrets: when a request asks for it, and, when a test says so, what is due by the account's clock. */
export class Rotations {
  readonly #running = new Set<Promise<RotationOutcome | undefined>>();
  readonly #outcomes: RotationOutcome[] = [];
  #inProcess?: RotationInvoker;

  constructor(
    private readonly account: Account,
    private readonly lambda: RotationFunctions,
    private readonly secrets: () => Iterable<Secret>,
  ) {}

  /** How rotations and tests ended, oldest first. One that was canceled has no outcome. */
  get outcomes(): readonly RotationOutcome[] {
    return this.#outcomes;
  }

  /** Hands the steps to this process instead of Lambda: the function needs not exist. One that exists must allow the call. */
  onRotation(invoke: RotationInvoker): void {
    this.#inProcess = invoke;
  }

  /** Rotates each secret whose window is open or whose last rotation failed, and waits until no rotation runs. */
  async rotateDue(): Promise<void> {
    for (const secret of this.secrets()) {
      const { rotation } = secret;
      if (!rotation || !isDue(secret, rotation, this.account.now())) continue;
      void this.#rotate(secret, rotation, pendingAside(secret) ?? randomUUID());
    }
    await this.ended();
  }

  /** Waits until no rotation runs: RotateSecret does not. */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Configures rotation, and starts a rotation or a test of the configuration; returns what comes of it. */
  configure(
    secret: Secret,
    { token, functionArn = secret.rotation?.functionArn, rules = secret.rotation?.rules, immediately }: RotationRequest,
  ): Promise<RotationOutcome | undefined> {
    if (functionArn === undefined) {
      throw new AwsError('InvalidRequestException', 'No Lambda rotation function ARN is associated with this secret.');
    }
    if (rules !== undefined) assertValidRules(rules);
    this.#assertInvocable(functionArn, secret);
    if (pendingAside(secret) !== undefined) {
      throw new AwsError(
        'InvalidRequestException',
        "A previous rotation isn't complete. That rotation will be reattempted.",
      );
    }
    const { lastRotated } = secret.rotation ?? {};
    const rotation: SecretRotation = {
      enabled: true,
      functionArn,
      ...(rules === undefined ? {} : { rules }),
      countedFrom: this.account.now(),
      ...(lastRotated === undefined ? {} : { lastRotated }),
    };
    secret.rotation = rotation;
    return immediately ? this.#rotate(secret, rotation, token) : this.#test(secret, rotation, token);
  }

  /** Turns rotation off; a step that runs goes on to its end, and no other follows. */
  cancel(secret: Secret): void {
    const { rotation } = secret;
    if (rotation === undefined) return;
    rotation.enabled = false;
    delete rotation.running;
  }

  #rotate(secret: Secret, rotation: SecretRotation, token: string): Promise<RotationOutcome | undefined> {
    secret.move(PENDING, token);
    return this.#begin(secret, rotation, { token, test: false });
  }

  /** The version that is tested has the current value, and keeps it; it loses its label. */
  #test(secret: Secret, rotation: SecretRotation, token: string): Promise<RotationOutcome | undefined> {
    secret.copyCurrent(token, new Date(this.account.now()));
    secret.move(PENDING, token);
    return this.#begin(secret, rotation, { token, test: true });
  }

  #begin(secret: Secret, rotation: SecretRotation, attempt: Attempt): Promise<RotationOutcome | undefined> {
    const running = this.#attempt(secret, rotation, attempt).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  /** Runs the steps and notes how that ended, unless the rotation was canceled meanwhile. */
  async #attempt(secret: Secret, rotation: SecretRotation, attempt: Attempt): Promise<RotationOutcome | undefined> {
    const { token, test } = attempt;
    rotation.running = token;
    const error = await errorOf(this.#steps(secret, rotation, attempt));
    if (test && secret.versionWithLabel(PENDING) === token) secret.removeLabel(PENDING);
    if (rotation.running !== token) return undefined;
    delete rotation.running;
    if (!test && error) rotation.failed = token;
    if (!test && !error) {
      rotation.countedFrom = this.account.now();
      rotation.lastRotated = new Date(rotation.countedFrom);
    }
    const outcome: RotationOutcome = {
      eventName: `${test ? 'Test' : ''}Rotation${error ? 'Failed' : 'Succeeded'}`,
      secretArn: secret.arn,
      versionId: token,
      ...(error ? { error } : {}),
    };
    this.#outcomes.push(outcome);
    return outcome;
  }

  async #steps(secret: Secret, rotation: SecretRotation, { token, test }: Attempt): Promise<void> {
    const common = { SecretId: secret.arn, ClientRequestToken: token, RotationToken: randomUUID() };
    for (const Step of test ? (['testSecret'] as const) : STEPS) {
      if (rotation.running !== token) return;
      this.#assertInvocable(rotation.functionArn, secret);
      await this.#invoke(rotation.functionArn, { Step, ...common });
    }
    if (!test && pendingAside(secret) !== undefined) {
      throw new Error(`The function left ${PENDING} on a version that is not the current one.`);
    }
  }

  async #invoke(functionArn: string, event: RotationEvent): Promise<void> {
    if (this.#inProcess) return this.#inProcess(functionArn, event);
    const outcome = await this.lambda.invoke(functionArn, event);
    if (outcome.kind === 'failed') throw new Error(`${event.Step}: ${outcome.errorType}: ${outcome.errorMessage}`);
  }

  #assertInvocable(functionArn: string, { arn }: Secret): void {
    if (this.#inProcess && !this.lambda.hasFunction(functionArn)) return;
    if (this.lambda.mayInvoke(SERVICE, functionArn, { account: this.account.accountId, arn })) return;
    throw new AwsError(
      'AccessDeniedException',
      `Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal ${SERVICE}.`,
    );
  }
}

/** The version that has AWSPENDING, unless it is the current one: a rotation that is not complete. */
function pendingAside(secret: Secret): string | undefined {
  const pending = secret.versionWithLabel(PENDING);
  return pending === secret.versionWithLabel(CURRENT) ? undefined : pending;
}

function isDue(secret: Secret, { enabled, running, failed, rules, countedFrom }: SecretRotation, now: number): boolean {
  if (!enabled || running !== undefined || secret.deletion) return false;
  if (failed !== undefined && pendingAside(secret) === failed) return true;
  return rules !== undefined && nextWindow(rules, countedFrom).opens <= now;
}

async function errorOf(run: Promise<void>): Promise<Error | undefined> {
  try {
    await run;
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}
