import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Credentials } from '../credentials';
import type { HttpAnswer } from '../server';
import { type FunctionVersion, logGroupOf, timeoutMilliseconds } from './function-configuration';
import { PlatformLog } from './platform-log';
import type { LogStore } from '../logs';

/** One run of a function. Its retries are invocations of their own with the same request id. */
export interface Invocation {
  readonly requestId: string;
  /** As it was invoked: with the alias, if there was one. */
  readonly functionArn: string;
  readonly event: unknown;
}

/** How a run ended. */
export type Outcome =
  | { readonly kind: 'returned'; readonly payload: unknown }
  /** The handler threw, or the process exited, was killed or ran out of time. */
  | { readonly kind: 'failed'; readonly errorType: string; readonly errorMessage: string };

function failed(errorType: string, errorMessage: string): Outcome {
  return { kind: 'failed', errorType, errorMessage };
}

/** What a function's process needs to start. */
export interface ProcessSettings {
  readonly node: string;
  readonly version: FunctionVersion;
  readonly credentials: Credentials;
  readonly region: string;
  /** Url of the running server. */
  readonly endpoint: string;
  readonly logs: LogStore;
  /** How far the account's clock was set ahead. */
  readonly millisecondsAhead: () => number;
  /** Sets the account's clock ahead by what the function would sleep, which it then does not. */
  readonly passTime?: ((milliseconds: number) => void) | undefined;
}

const RUNTIME = path.join(__dirname, 'runtime.mjs');

/** A warm execution environment: one child process, which runs one invocation at a time. */
export class FunctionProcess {
  readonly id = randomUUID();
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  readonly version: FunctionVersion;
  readonly #child: ChildProcess;
  readonly #log: PlatformLog;
  readonly #credentials: Credentials;
  readonly #millisecondsAhead: () => number;
  readonly #passTime: ProcessSettings['passTime'];
  #alive = true;
  #reserved = true;
  #running?: { readonly invocation: Invocation; readonly finish: (outcome: Outcome) => void };
  #assigned?: Invocation;
  #poll?: (answer: HttpAnswer) => void;
  #deadline = 0;
  #initError?: Outcome;

  constructor({ node, version, credentials, region, endpoint, logs, millisecondsAhead, passTime }: ProcessSettings) {
    this.version = version;
    this.#millisecondsAhead = millisecondsAhead;
    this.#passTime = passTime;
    this.#credentials = credentials;
    const stream = `${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${this.id.replaceAll('-', '')}`;
    this.#log = new PlatformLog(logs, version.configuration, stream);
    this.#child = spawn(node, [RUNTIME], {
      cwd: version.taskRoot,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...environmentOf(version, credentials, region, endpoint, stream),
        LOCAL_AWS_RUNTIME_API: `${endpoint}/lambda-runtime/${this.id}`,
        ...(passTime ? { LOCAL_AWS_PASSES_TIME: 'true' } : {}),
      },
    });
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      if (output) createInterface({ input: output }).on('line', (line) => this.#log.line(line));
    }
    // A child that dies while it is written to breaks the pipe; its exit says so already.
    this.#child.stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#end(failed('Runtime.SpawnError', error.message));
        resolve();
      });
      this.#child.once('exit', (code, signal) => {
        const how = signal === null ? `exit status ${String(code)}` : `signal: ${signal}`;
        this.#end(this.#initError ?? failed('Runtime.ExitError', `Runtime exited with error: ${how}`));
      });
      this.#child.once('close', () => resolve());
    });
  }

  /** Busy from its start on: whoever starts a process has an invocation for it. */
  get busy(): boolean {
    return this.#reserved || this.#running !== undefined;
  }

  /** Whether it can take another invocation of the function as it is now. */
  isWarmFor(version: FunctionVersion, now: number): boolean {
    const { expiration } = this.#credentials;
    const lasting = !expiration || expiration.getTime() > now + timeoutMilliseconds(version.configuration);
    return this.#alive && !this.busy && this.version === version && lasting;
  }

  /** Runs one invocation; answers how it ended and never throws. */
  async invoke(invocation: Invocation): Promise<Outcome> {
    const timeout = timeoutMilliseconds(this.version.configuration);
    const started = Date.now();
    this.#deadline = started + timeout;
    this.#reserved = false;
    this.#log.started(invocation.requestId);
    const overdue = new AbortController();
    const timer = setTimeout(() => {
      overdue.abort();
      this.kill();
    }, timeout);
    const outcome = await new Promise<Outcome>((finish) => {
      if (!this.#alive) {
        finish(failed('Runtime.ExitError', 'The process ended before the invocation'));
        return;
      }
      this.#running = { invocation, finish };
      this.#assigned = invocation;
      this.#answerPoll();
    });
    clearTimeout(timer);
    const duration = Date.now() - started;
    const status = overdue.signal.aborted ? 'timeout' : outcome.kind === 'returned' ? 'success' : 'error';
    if (status === 'timeout') {
      const message = `Task timed out after ${(timeout / 1000).toFixed(2)} seconds`;
      this.#log.line(`${new Date().toISOString()} ${invocation.requestId} ${message}`);
      this.#log.ended(invocation.requestId, status, duration);
      return failed('Sandbox.Timedout', `RequestId: ${invocation.requestId} Error: ${message}`);
    }
    this.#log.ended(invocation.requestId, status, duration);
    return outcome;
  }

  /** Ends the process at once, whatever it is doing. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /**
   * Answers the process's calls to the runtime API.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
   */
  async answer(method: string, resource: string, body: Buffer): Promise<HttpAnswer> {
    if (method === 'GET' && resource === 'invocation/next') {
      return new Promise((resolve) => {
        this.#poll = resolve;
        this.#answerPoll();
      });
    }
    const [, slept] = /^time\/(\d+)$/.exec(resource) ?? [];
    if (method === 'POST' && slept !== undefined && this.#passTime) {
      this.#passTime(Number(slept));
      return { status: 202, headers: this.#time() };
    }
    if (method === 'POST' && resource === 'init/error') {
      this.#initError = errorOf(body);
      return { status: 202 };
    }
    const [, requestId, kind] = /^invocation\/([^/]+)\/(response|error)$/.exec(resource) ?? [];
    const running = this.#running;
    if (method !== 'POST' || running?.invocation.requestId !== requestId) return { status: 403 };
    this.#running = undefined;
    running?.finish(
      kind === 'response' ? { kind: 'returned', payload: JSON.parse(body.toString('utf8')) as unknown } : errorOf(body),
    );
    return { status: 202 };
  }

  #answerPoll(): void {
    const invocation = this.#assigned;
    const poll = this.#poll;
    if (!invocation || !poll) return;
    this.#assigned = undefined;
    this.#poll = undefined;
    poll({
      status: 200,
      headers: {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': invocation.requestId,
        'lambda-runtime-deadline-ms': String(this.#deadline),
        'lambda-runtime-invoked-function-arn': invocation.functionArn,
        ...this.#time(),
      },
      body: JSON.stringify(invocation.event),
    });
  }

  #time(): Record<string, string> {
    return { 'local-aws-milliseconds-ahead': String(this.#millisecondsAhead()) };
  }

  #end(outcome: Outcome): void {
    this.#alive = false;
    this.#poll?.({ status: 410 });
    this.#poll = undefined;
    const running = this.#running;
    this.#running = undefined;
    running?.finish(outcome);
  }
}

function errorOf(body: Buffer): Outcome {
  const { errorType, errorMessage } = JSON.parse(body.toString('utf8')) as { errorType: string; errorMessage: string };
  return failed(errorType, errorMessage);
}

/**
 * The environment that a function sees: nothing of the machine's own, so that no credentials of its owner get in.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
function environmentOf(
  { configuration, taskRoot }: FunctionVersion,
  credentials: Credentials,
  region: string,
  endpoint: string,
  stream: string,
): Record<string, string> {
  const { LogFormat = 'Text', ApplicationLogLevel } = configuration.LoggingConfig ?? {};
  return {
    ...configuration.Environment,
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    // Node does not start on Windows without it.
    ...(process.platform === 'win32' ? { SystemRoot: process.env.SystemRoot ?? String.raw`C:\Windows` } : {}),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_LAMBDA_FUNCTION_NAME: configuration.FunctionName,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(configuration.MemorySize ?? 128),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_LOG_GROUP_NAME: logGroupOf(configuration),
    AWS_LAMBDA_LOG_STREAM_NAME: stream,
    AWS_LAMBDA_LOG_FORMAT: LogFormat,
    ...(ApplicationLogLevel === undefined ? {} : { AWS_LAMBDA_LOG_LEVEL: ApplicationLogLevel }),
    AWS_EXECUTION_ENV: `AWS_Lambda_${configuration.Runtime}`,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ...(credentials.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credentials.sessionToken }),
    AWS_ENDPOINT_URL: endpoint,
    LAMBDA_TASK_ROOT: taskRoot,
    _HANDLER: configuration.Handler,
  };
}
