/** What a participant would do next. */
export interface Turn {
  readonly participant: string;
  readonly what: string;
}

/** A participant whose turn has not come. */
interface Waiting extends Turn {
  readonly isReady: () => boolean;
  take(): Promise<void>;
}

/** Thrown in a turn to end its participant for good: nobody hears of it again. */
export class Killed extends Error {}

/**
 * Lets several participants act on one account, one turn at a time, in an order that somebody else chooses. Nothing happens but in a
 * turn, so the same choices give the same run.
 */
export class Scheduler {
  /** What has happened, in order. */
  readonly trace: string[] = [];
  readonly #live = new Set<string>();
  #waiting: Waiting[] = [];
  #failure: { readonly error: unknown } | undefined;

  /** Adds a participant, who is alive until its work has ended or a turn has killed it. An error that it throws ends the schedule. */
  join(participant: string, work: () => Promise<void>): void {
    this.#live.add(participant);
    work().then(
      () => this.#live.delete(participant),
      (error: unknown) => (this.#failure ??= { error }),
    );
  }

  /** Waits for a turn, and does something in it. */
  turn<T>(
    participant: string,
    what: string,
    act: () => T | Promise<T>,
    isReady: () => boolean = () => true,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const take = async () => {
        try {
          resolve(await act());
        } catch (error) {
          if (error instanceof Killed) this.#bury(participant);
          else reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.#waiting.push({ participant, what, isReady, take });
    });
  }

  /** Gives turns until every participant has ended. @param choose the index of the next turn, of those that can be taken */
  async run(choose: (ready: readonly Turn[]) => number): Promise<void> {
    for (;;) {
      await this.#everyoneWaits();
      if (this.#failure) throw this.#failure.error;
      if (this.#live.size === 0) return;
      const ready = this.#waiting.filter(({ isReady }) => isReady());
      const next = ready[choose(ready)];
      if (!next) throw new Error(`Nobody can go on of ${[...this.#live].join(', ')}`);
      this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
      this.trace.push(`${next.participant}: ${next.what}`);
      await next.take();
    }
  }

  #bury(participant: string): void {
    this.#live.delete(participant);
    this.#waiting = this.#waiting.filter((waiting) => waiting.participant !== participant);
  }

  /** Between two turns a participant only computes, or delivers its answer. */
  async #everyoneWaits(): Promise<void> {
    const waits = (participant: string) => this.#waiting.some((waiting) => waiting.participant === participant);
    do await new Promise((resolve) => setImmediate(resolve));
    while (!this.#failure && ![...this.#live].every(waits));
  }
}
