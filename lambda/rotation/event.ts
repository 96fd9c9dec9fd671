import { SECRET_ARN } from '../contract/property-rules';
import { isRotationVersionId } from '../contract/seed-version';
import { failures } from '../failure';

/**
 * An event of a rotation: Secrets Manager sends one for each step, and the next only when the last has succeeded.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
export interface RotationEvent {
  readonly Step: 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';
  /** The secret's ARN. */
  readonly SecretId: string;
  /** The id of the version that is to become the current one. */
  readonly ClientRequestToken: string;
}

/** Whether an event is of a rotation, and not of a custom resource. */
export function isRotationEvent(event: object): event is RotationEvent {
  return 'SecretId' in event;
}

/**
 * Refuses an event that Secrets Manager cannot have sent: whoever may invoke the function can make one up.
 *
 * @throws Failure naming the member and what is allowed
 */
export function checkRotationEvent({ Step, SecretId, ClientRequestToken }: RotationEvent): void {
  const steps: readonly string[] = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];
  if (!steps.includes(Step)) throw failures.invalidEvent('Step', steps.join(', '));
  if (typeof SecretId !== 'string' || !SECRET_ARN.test(SecretId)) {
    throw failures.invalidEvent('SecretId', 'the ARN of a Secrets Manager secret');
  }
  if (typeof ClientRequestToken !== 'string' || !isRotationVersionId(ClientRequestToken)) {
    throw failures.invalidEvent('ClientRequestToken', 'a UUID');
  }
}
