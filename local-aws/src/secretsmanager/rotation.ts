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
      if (isDue(secret, this.account.now())) void this.#start(secret, pendingAside(secret) ?? randomUUID());
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
    secret.rotation = {
      enabled: true,
      functionArn,
      ...(rules === undefined ? {} : { rules }),
      countedFrom: this.account.now(),
      ...(lastRotated === undefined ? {} : { lastRotated }),
    };
    return immediately ? this.#start(secret, token) : this.#test(secret, token);
  }

  /** Turns rotation off; a step that runs goes on to its end, and no other follows. */
  cancel(secret: Secret): void {
    const { rotation } = secret;
    if (rotation === undefined) return;
    rotation.enabled = false;
    delete rotation.running;
  }

  #start(secret: Secret, token: string): Promise<RotationOutcome | undefined> {
    secret.move(PENDING, token);
    return this.#run(secret, token, STEPS, (rotation) => {
      if (pendingAside(secret) !== undefined) throw new Error(`${PENDING} is not on the version of ${CURRENT}`);
      rotation.lastRotated = new Date(this.account.now());
      rotation.countedFrom = this.account.now();
    });
  }

  /** The version that is tested has the current value, and keeps it; it loses its label. */
  #test(secret: Secret, token: string): Promise<RotationOutcome | undefined> {
    secret.copyCurrent(token, new Date(this.account.now()));
    secret.move(PENDING, token);
    return this.#run(secret, token, ['testSecret'], () => undefined).finally(() => {
      if (secret.versionWithLabel(PENDING) === token) secret.removeLabel(PENDING);
    });
  }

  #run(
    secret: Secret,
    token: string,
    steps: readonly RotationEvent['Step'][],
    finish: (rotation: SecretRotation) => void,
  ): Promise<RotationOutcome | undefined> {
    const { rotation } = secret;
    if (rotation === undefined) throw new Error(`${secret.arn} is not rotated`);
    rotation.running = token;
    delete rotation.failed;
    const test = steps.length === 1;
    const run = this.#steps(secret, token, steps).then((completed): RotationOutcome | undefined => {
      if (!completed) return undefined;
      finish(rotation);
      return { eventName: `${test ? 'Test' : ''}RotationSucceeded`, secretArn: secret.arn, versionId: token };
    });
    const settled = run
      .catch((thrown: unknown): RotationOutcome | undefined => {
        if (rotation.running !== token) return undefined;
        if (!test) rotation.failed = token;
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        return { eventName: `${test ? 'Test' : ''}RotationFailed`, secretArn: secret.arn, versionId: token, error };
      })
      .then((outcome) => {
        if (rotation.running === token) delete rotation.running;
        if (outcome) this.#outcomes.push(outcome);
        return outcome;
      })
      .finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    return settled;
  }

  /** Runs one step after the other; returns whether all ran, or the rotation was canceled. */
  async #steps(secret: Secret, token: string, steps: readonly RotationEvent['Step'][]): Promise<boolean> {
    const { rotation } = secret;
    const RotationToken = randomUUID();
    for (const Step of steps) {
      if (rotation?.running !== token) return false;
      this.#assertInvocable(rotation.functionArn, secret);
      await this.#invoke(rotation.functionArn, {
        Step,
        SecretId: secret.arn,
        ClientRequestToken: token,
        RotationToken,
      });
    }
    return rotation?.running === token;
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

function isDue(secret: Secret, now: number): boolean {
  const { rotation } = secret;
  if (!rotation?.enabled || rotation.running !== undefined || secret.deletion) return false;
  if (rotation.failed !== undefined && pendingAside(secret) === rotation.failed) return true;
  return rotation.rules !== undefined && nextWindow(rotation.rules, rotation.countedFrom).opens <= now;
}
