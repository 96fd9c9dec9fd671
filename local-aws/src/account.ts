import { randomUUID } from 'node:crypto';
import { authorize } from './authorization';
import { CallLog, type LoggedCall } from './call-log';
import { CredentialRegistry } from './credentials';
import { Faults } from './faults';
import type { Principal } from './principal';
import { AwsError, notImplemented } from './protocol/aws-error';
import { readInput } from './protocol/input';
import type { Call, RpcService } from './service';
import { Throttling } from './throttling';

/** Where the account lies, and the clock it lives by. */
export interface AccountOptions {
  /** Twelve digits. */
  readonly accountId: string;
  readonly region: string;
  readonly partition: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** An AWS account: its services, who may call them, what was called, and what shall go wrong. */
export class Account {
  readonly accountId: string;
  readonly region: string;
  readonly partition: string;
  /** The account's time, in milliseconds since the epoch. */
  readonly now: () => number;
  readonly credentials: CredentialRegistry;
  readonly calls = new CallLog();
  readonly faults = new Faults();
  readonly throttling: Throttling;
  /** The account's root: not bound by policies. CloudFormation acts as root too, as with an administrator's execution role. */
  readonly root: Principal;
  readonly #services = new Map<string, RpcService>();
  #millisecondsAhead = 0;

  constructor({ accountId, region, partition, now }: AccountOptions) {
    this.accountId = accountId;
    this.region = region;
    this.partition = partition;
    this.now = () => now() + this.#millisecondsAhead;
    this.credentials = new CredentialRegistry(this.now);
    this.throttling = new Throttling(this.now, (name) => this.service(name));
    const arn = this.arn('iam', 'root');
    this.root = { type: 'root', arn, principalArn: arn, userId: accountId, policies: () => undefined };
  }

  /** Sets the account's clock ahead, and with it that of its functions, for whoever would have to wait for it. */
  advanceClock(milliseconds: number): void {
    this.#millisecondsAhead += milliseconds;
  }

  /** How far the clock was set ahead. */
  get millisecondsAhead(): number {
    return this.#millisecondsAhead;
  }

  /** Adds a service to the account. */
  register(service: RpcService): void {
    this.#services.set(service.name, service);
  }

  /** The service of this name; loud if there is none. */
  service(name: string): RpcService {
    const service = this.#services.get(name);
    if (!service) throw notImplemented(`the service ${name}`);
    return service;
  }

  /** An ARN in this account; global services carry no region. */
  arn(service: string, resource: string): string {
    const region = service === 'iam' || service === 'sts' ? '' : this.region;
    return `arn:${this.partition}:${service}:${region}:${this.accountId}:${resource}`;
  }

  /** A call that comes over HTTP: it may be throttled, and faults befall it. */
  async request(
    service: RpcService,
    action: string,
    input: Record<string, unknown>,
    caller: Principal,
  ): Promise<unknown> {
    const fullName = `${service.name}:${action}`;
    return this.#logged(fullName, caller, 'http', async () => {
      // Before all else: what is refused has no effect, and meets no fault.
      this.throttling.admit(service);
      this.faults.strike(fullName, 'before', caller);
      const output = await this.#perform(service, action, input, { caller, source: 'http' });
      this.faults.strike(fullName, 'after', caller);
      return output;
    });
  }

  /** A call that CloudFormation makes for a stack. The output has the members that the action's answer has. */
  async invoke(service: string, action: string, input: Record<string, unknown>): Promise<Record<string, unknown>> {
    const output = await this.#logged(`${service}:${action}`, this.root, 'cloudformation', () =>
      this.#perform(this.service(service), action, input, { caller: this.root, source: 'cloudformation' }),
    );
    return (output ?? {}) as Record<string, unknown>;
  }

  async #perform(
    service: RpcService,
    name: string,
    input: Record<string, unknown>,
    from: Pick<Call, 'caller' | 'source'>,
  ): Promise<unknown> {
    const action = Object.hasOwn(service.actions, name) ? service.actions[name] : undefined;
    if (!action) throw notImplemented(`${service.name}:${name}`);
    const call = { requestId: randomUUID(), ...from };
    const read = readInput(service, name, action.takes, input, { scalarsAsText: from.source === 'cloudformation' });
    const requests = action.authorize ? action.authorize(read, call) : (service.authorize?.(name, read, call) ?? []);
    for (const request of [requests].flat()) authorize(call.caller, request);
    return action.run(read, call);
  }

  async #logged<T>(
    action: string,
    caller: Principal,
    source: LoggedCall['source'],
    perform: () => Promise<T>,
  ): Promise<T> {
    const time = this.now();
    let error: string | undefined;
    try {
      return await perform();
    } catch (thrown) {
      error = thrown instanceof AwsError ? thrown.code : (thrown as Error).constructor.name;
      throw thrown;
    } finally {
      this.calls.add({
        time,
        answered: this.now(),
        action,
        caller: caller.arn,
        source,
        ...(error === undefined ? {} : { error }),
      });
    }
  }
}
