/** A function's configuration, with the names that AWS gives its members. */
export interface FunctionConfiguration {
  readonly FunctionName: string;
  /** `nodejs24.x` */
  readonly Runtime: string;
  /** `index.handler` */
  readonly Handler: string;
  /** ARN of the execution role. */
  readonly Role: string;
  /** Seconds; 3 by default. */
  readonly Timeout?: number;
  /** Megabytes; 128 by default. Not enforced. */
  readonly MemorySize?: number;
  readonly Description?: string;
  readonly Environment?: Readonly<Record<string, string>>;
  readonly LoggingConfig?: LoggingConfig;
  readonly Tags?: Readonly<Record<string, string>>;
}

/** @see https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html */
export interface LoggingConfig {
  readonly LogFormat?: 'JSON' | 'Text';
  readonly LogGroup?: string;
  readonly ApplicationLogLevel?: string;
  readonly SystemLogLevel?: string;
}

/** One version of a function's code and configuration; processes of an older version take no more invocations. */
export interface FunctionVersion {
  readonly arn: string;
  readonly configuration: FunctionConfiguration;
  /** Folder of the extracted code. */
  readonly taskRoot: string;
}

export function timeoutMilliseconds({ Timeout = 3 }: FunctionConfiguration): number {
  return Timeout * 1000;
}

export function logGroupOf({ FunctionName, LoggingConfig }: FunctionConfiguration): string {
  return LoggingConfig?.LogGroup ?? `/aws/lambda/${FunctionName}`;
}
