import type { Account } from '../account';
import { authorize } from '../authorization';
import type { Outcome } from '../lambda/function-process';
import type { Principal } from '../principal';
import { AwsError, notImplemented } from '../protocol/aws-error';

/** A schedule, as far as it means something here. */
export interface Schedule {
  readonly name: string;
  /** `rate(15 minutes)` */
  readonly expression: string;
  readonly isEnabled: boolean;
  readonly target: {
    /** ARN of a function. */
    readonly arn: string;
    readonly roleArn: string;
    /** JSON. */
    readonly input: string;
  };
}

/** What CloudFormation does to schedules. */
export type Schedules = Pick<Scheduler, 'put' | 'delete'>;

/** What the scheduler needs of the rest of the account. */
export interface SchedulerPorts {
  /** The role as a service's own; throws where the role's trust policy does not let the service in. */
  roleForService(roleArn: string, service: string, context: Readonly<Record<string, string>>): Principal;
  invoke(functionArn: string, event: unknown): Promise<Outcome>;
}

/** What became of one invocation. */
export interface Invoked {
  readonly schedule: string;
  /** Why the function failed, or could not be invoked. */
  readonly error?: string;
}

const SERVICE = 'scheduler.amazonaws.com';
/** @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html */
const MAX_INPUT_BYTES = 256 * 1024;
const UNITS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Amazon EventBridge Scheduler, with rates alone, and functions as targets. */
export class Scheduler {
  /** Each with the time of its next invocation, in milliseconds since the epoch. */
  readonly #schedules = new Map<string, { readonly schedule: Schedule; next: number }>();

  constructor(
    private readonly account: Account,
    private readonly ports: SchedulerPorts,
  ) {}

  /** Creates or changes a schedule; answers its ARN. One without a start date begins at once. */
  put(schedule: Schedule): string {
    const { name, expression, target } = schedule;
    intervalOf(expression);
    if (Buffer.byteLength(target.input) > MAX_INPUT_BYTES) {
      throw validationException(`The target's input has more than ${MAX_INPUT_BYTES} bytes.`);
    }
    jsonIn(target.input);
    this.#roleOf(schedule);
    this.#schedules.set(name, { schedule, next: this.#schedules.get(name)?.next ?? this.account.now() });
    return this.account.arn('scheduler', `schedule/default/${name}`);
  }

  delete(name: string): void {
    this.#schedules.delete(name);
  }

  /** Runs every schedule whose time has come, once, and waits for its function. */
  async runDue(): Promise<readonly Invoked[]> {
    const now = this.account.now();
    const due = [...this.#schedules.values()].filter(({ schedule, next }) => schedule.isEnabled && next <= now);
    return Promise.all(
      due.map(async (entry) => {
        const interval = intervalOf(entry.schedule.expression);
        entry.next += interval * (Math.floor((now - entry.next) / interval) + 1);
        return this.#invoke(entry.schedule);
      }),
    );
  }

  async #invoke(schedule: Schedule): Promise<Invoked> {
    const { name, target } = schedule;
    try {
      authorize(this.#roleOf(schedule), { action: 'lambda:InvokeFunction', resource: target.arn });
      const outcome = await this.ports.invoke(target.arn, jsonIn(target.input));
      return outcome.kind === 'failed' ? { schedule: name, error: outcome.errorMessage } : { schedule: name };
    } catch (thrown) {
      if (thrown instanceof AwsError) return { schedule: name, error: thrown.message };
      throw thrown;
    }
  }

  #roleOf({ target: { roleArn } }: Schedule): Principal {
    const { account } = this;
    try {
      return this.ports.roleForService(roleArn, SERVICE, {
        'aws:SourceAccount': account.accountId,
        'aws:SourceArn': account.arn('scheduler', 'schedule-group/default'),
      });
    } catch (cause) {
      const message = 'The execution role you provide must allow AWS EventBridge Scheduler to assume the role.';
      throw Object.assign(validationException(message), { cause });
    }
  }
}

function intervalOf(expression: string): number {
  const [, count = '', unit = '', plural] = /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(expression) ?? [];
  const milliseconds = Number(count) * (UNITS[unit] ?? 0);
  if (milliseconds === 0) throw notImplemented(`the schedule expression ${expression}`);
  if ((count === '1') !== (plural === '')) throw validationException(`Invalid Schedule Expression ${expression}.`);
  return milliseconds;
}

function jsonIn(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    throw validationException('The input of a templated target must be well-formed JSON.');
  }
}

function validationException(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
