import type { LogStore } from '../logs';
import { type FunctionConfiguration, logGroupOf } from './function-configuration';

/**
 * Writes what Lambda itself says of an invocation: START, END and REPORT, as text or JSON.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
 */
export class PlatformLog {
  constructor(
    private readonly logs: LogStore,
    private readonly configuration: FunctionConfiguration,
    private readonly stream: string,
  ) {}

  /** A line of the function's own output. */
  line(message: string): void {
    this.logs.append(logGroupOf(this.configuration), this.stream, message);
  }

  started(requestId: string): void {
    if (this.#isJson) this.#event('platform.start', { requestId, version: '$LATEST' });
    else this.line(`START RequestId: ${requestId} Version: $LATEST`);
  }

  ended(requestId: string, status: 'success' | 'error' | 'timeout', durationMs: number): void {
    const billedDurationMs = Math.ceil(durationMs);
    const memorySizeMB = this.configuration.MemorySize ?? 128;
    if (this.#isJson) {
      this.#event('platform.report', { requestId, metrics: { durationMs, billedDurationMs, memorySizeMB }, status });
      return;
    }
    this.line(`END RequestId: ${requestId}`);
    this.line(
      `REPORT RequestId: ${requestId}\tDuration: ${durationMs} ms\tBilled Duration: ${billedDurationMs} ms\tMemory Size: ${memorySizeMB} MB` +
        (status === 'success' ? '' : `\tStatus: ${status}`),
    );
  }

  get #isJson(): boolean {
    return this.configuration.LoggingConfig?.LogFormat === 'JSON';
  }

  #event(type: string, record: unknown): void {
    if (this.configuration.LoggingConfig?.SystemLogLevel === 'WARN') return;
    this.line(JSON.stringify({ time: new Date().toISOString(), type, record }));
  }
}
