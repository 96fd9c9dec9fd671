/** What a log line may say. Nothing else is ever logged: no event, no properties, no response URL, no AWS answer. */
export interface LogFields {
  readonly action?: string;
  /** Of the code function: it names the secret of the device. */
  readonly alias?: string;
  readonly attempt?: number;
  /** Of a watch: what it has put right. */
  readonly did?: string;
  readonly durationMilliseconds?: number;
  readonly error?: string;
  /** Of a watch: what is not as declared. */
  readonly found?: string;
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
  'alias',
  'attempt',
  'did',
  'durationMilliseconds',
  'error',
  'found',
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

/** Writes each line with a request id. Only short texts and numbers of the allow-list get there, even if the compiler is bypassed. */
export function jsonLog(requestId: string, write: (line: string) => void): Log {
  const line = (level: 'INFO' | 'ERROR', message: string, fields: LogFields = {}) => {
    const allowed = ALLOWED.flatMap((name): [string, string | number][] => {
      const value: unknown = fields[name];
      if (typeof value === 'number') return [[name, value]];
      return typeof value === 'string' ? [[name, cut(value)]] : [];
    });
    const entry = { timestamp: new Date().toISOString(), level, requestId, message: cut(message) };
    write(`${JSON.stringify({ ...entry, ...Object.fromEntries(allowed) })}\n`);
  };
  return {
    info: (message, fields) => line('INFO', message, fields),
    error: (message, fields) => line('ERROR', message, fields),
  };
}

function cut(text: string): string {
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
}
