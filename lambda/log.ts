/** What a log line may say. Nothing else is ever logged: no event, no properties, no response URL, no AWS answer. */
export interface LogFields {
  readonly action?: string;
  readonly attempt?: number;
  readonly durationMilliseconds?: number;
  readonly error?: string;
  /** Why a device that exists was left alone. */
  readonly leftBecause?: string;
  readonly logicalResourceId?: string;
  readonly physicalResourceId?: string;
  readonly reason?: string;
  readonly requestType?: string;
  readonly serialNumber?: string;
  readonly status?: string;
  readonly userName?: string;
}

/** A log of JSON lines. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const ALLOWED: readonly (keyof LogFields)[] = [
  'action',
  'attempt',
  'durationMilliseconds',
  'error',
  'leftBecause',
  'logicalResourceId',
  'physicalResourceId',
  'reason',
  'requestType',
  'serialNumber',
  'status',
  'userName',
];

/** Of a text that an event may have brought, however long. */
const MAX_CHARACTERS = 2_000;

/** Writes each line with a request id; fields outside the allow-list are dropped even where the compiler was got around. */
export function jsonLog(requestId: string, write: (line: string) => void): Log {
  const line = (level: 'INFO' | 'ERROR', message: string, fields: LogFields = {}) => {
    const allowed = ALLOWED.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]] as const);
    const entry = { timestamp: new Date().toISOString(), level, requestId, message, ...Object.fromEntries(allowed) };
    write(`${JSON.stringify(entry, (_name, value: unknown) => (typeof value === 'string' ? cut(value) : value))}\n`);
  };
  return {
    info: (message, fields) => line('INFO', message, fields),
    error: (message, fields) => line('ERROR', message, fields),
  };
}

function cut(text: string): string {
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
}
