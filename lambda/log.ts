/** What a log line may say. Nothing else is ever logged: no event, no properties, no response URL, no AWS answer. */
export interface LogFields {
  readonly action?: string;
  readonly attempt?: number;
  readonly durationMilliseconds?: number;
  readonly error?: string;
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
  'logicalResourceId',
  'physicalResourceId',
  'reason',
  'requestType',
  'serialNumber',
  'status',
  'userName',
];

/** Writes each line with a request id; fields outside the allow-list are dropped even where the compiler was got around. */
export function jsonLog(requestId: string, write: (line: string) => void): Log {
  const line = (level: 'INFO' | 'ERROR', message: string, fields: LogFields = {}) => {
    const allowed = ALLOWED.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]] as const);
    write(
      `${JSON.stringify({ timestamp: new Date().toISOString(), level, requestId, message, ...Object.fromEntries(allowed) })}\n`,
    );
  };
  return {
    info: (message, fields) => line('INFO', message, fields),
    error: (message, fields) => line('ERROR', message, fields),
  };
}
