import { AwsError } from '../protocol/aws-error';

/** One event of a log stream. */
export interface LogEvent {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly stream: string;
  readonly message: string;
}

/** A log group and what was written to it, oldest first. */
export interface LogGroup {
  readonly name: string;
  readonly creationTime: number;
  retentionInDays?: number;
  kmsKeyId?: string;
  tags: Readonly<Record<string, string>>;
  readonly events: LogEvent[];
}

/** The account's log groups. */
export class LogStore {
  readonly #groups = new Map<string, LogGroup>();

  constructor(private readonly now: () => number) {}

  /** All groups in the order of their names. */
  groups(): readonly LogGroup[] {
    return [...this.#groups.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Creates an empty group; throws what CloudWatch Logs answers if there is one of this name. */
  create(name: string, { kmsKeyId, tags = {} }: { kmsKeyId?: string; tags?: Readonly<Record<string, string>> }): void {
    if (this.#groups.has(name)) {
      throw new AwsError('ResourceAlreadyExistsException', 'The specified log group already exists');
    }
    this.#groups.set(name, this.#empty(name, tags, kmsKeyId));
  }

  /** Finds a group; throws what CloudWatch Logs answers if there is none. */
  group(name: string): LogGroup {
    const group = this.#groups.get(name);
    if (!group) throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
    return group;
  }

  /** Deletes a group with everything in it. */
  delete(name: string): void {
    this.#groups.delete(this.group(name).name);
  }

  /** Writes an event; creates the group where it is missing, as Lambda does for its functions. */
  append(logGroup: string, stream: string, message: string): void {
    let group = this.#groups.get(logGroup);
    if (!group) {
      group = this.#empty(logGroup, {});
      this.#groups.set(logGroup, group);
    }
    group.events.push({ timestamp: this.now(), stream, message });
  }

  #empty(name: string, tags: Readonly<Record<string, string>>, kmsKeyId?: string): LogGroup {
    return { name, creationTime: this.now(), tags, events: [], ...(kmsKeyId === undefined ? {} : { kmsKeyId }) };
  }
}
