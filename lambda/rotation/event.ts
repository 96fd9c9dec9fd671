import { SECRET_ARN } from '../contract/property-rules';
import { isRotationVersionId } from '../contract/seed-version';
import { failures } from '../failure';

const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

/**
 * An event of a rotation: Secrets Manager sends one for each step, and the next only when the last has succeeded.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
export interface RotationEvent {
  readonly Step: (typeof STEPS)[number];
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
  if (!STEPS.includes(Step)) throw failures.invalidEvent('Step', STEPS.join(', '));
  if (typeof SecretId !== 'string' || !SECRET_ARN.test(SecretId)) {
    throw failures.invalidEvent('SecretId', 'the ARN of a Secrets Manager secret');
  }
  if (typeof ClientRequestToken !== 'string' || !isRotationVersionId(ClientRequestToken)) {
    throw failures.invalidEvent('ClientRequestToken', 'a UUID');
  }
}
