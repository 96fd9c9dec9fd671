import { AwsError } from './protocol/aws-error';
import type { RpcService } from './service';

/** How many calls a service takes. */
export interface RateLimit {
  /** Calls in each second, in the long run. */
  readonly perSecond: number;
  /** Calls at once, after a rest. */
  readonly burst: number;
}

/** Thousandths of a token are counted: with times in milliseconds and whole rates, all arithmetic is exact. */
const TOKEN = 1000;

/** A token bucket: it begins full, a call takes one token, and a refused call takes none. It never reads a clock. */
export class TokenBucket {
  readonly #perMillisecond: number;
  readonly #capacity: number;
  #content: number;
  #filledAt = -Infinity;

  constructor({ perSecond, burst }: RateLimit) {
    if (!(perSecond > 0 && burst >= 1)) {
      throw new RangeError(
        `The rate limit: got ${perSecond} calls a second and bursts of ${burst}; allowed: more than 0, and 1 or more.`,
      );
    }
    this.#perMillisecond = perSecond;
    this.#capacity = burst * TOKEN;
    this.#content = this.#capacity;
  }

  /**
   * Takes a token for a call; answers whether there was one.
   *
   * @param now milliseconds since the epoch; a clock that was turned back fills nothing
   */
  take(now: number): boolean {
    const elapsed = Math.max(0, now - this.#filledAt);
    this.#content = Math.min(this.#capacity, this.#content + elapsed * this.#perMillisecond);
    this.#filledAt = Math.max(this.#filledAt, now);
    if (this.#content < TOKEN) return false;
    this.#content -= TOKEN;
    return true;
  }
}

/**
 * The rates of an account's services; without one a service takes every call.
 *
 * Throttled are calls that come over HTTP, from whoever sends them: the function, the CLI, a test's own client. The rate is
 * the account's, as on AWS, not the caller's. Not throttled are the calls that CloudFormation makes for a stack, which
 * stay inside the process: on AWS they share the rate, and CloudFormation tries them again by itself.
 */
export class Throttling {
  readonly #buckets = new Map<string, TokenBucket>();

  /**
   * @param now milliseconds since the epoch
   * @param serviceOf throws for a name that no service has
   */
  constructor(
    private readonly now: () => number,
    private readonly serviceOf: (name: string) => RpcService,
  ) {}

  /** Limits a service from now on, with a full bucket. */
  limit(service: string, limit: RateLimit): void {
    this.#buckets.set(this.serviceOf(service).name, new TokenBucket(limit));
  }

  /** Takes every call again, of every service. */
  clear(): void {
    this.#buckets.clear();
  }

  /**
   * Takes a token for a call.
   *
   * @throws AwsError what AWS answers beyond the rate: the services that speak JSON have another name for it
   */
  admit({ name, protocol }: Pick<RpcService, 'name' | 'protocol'>): void {
    if (this.#buckets.get(name)?.take(this.now()) ?? true) return;
    throw new AwsError(protocol === 'query' ? 'Throttling' : 'ThrottlingException', 'Rate exceeded');
  }
}
