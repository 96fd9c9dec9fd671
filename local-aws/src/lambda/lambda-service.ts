import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import AdmZip from 'adm-zip';
import type { Account } from '../account';
import type { Credentials } from '../credentials';
import type { LogStore } from '../logs';
import { AwsError, notImplemented } from '../protocol/aws-error';
import type { HttpAnswer, HttpRequest } from '../server';
import type { FunctionConfiguration, FunctionVersion } from './function-configuration';
import { FunctionPolicies, type InvocationSource, type Permission } from './function-policies';
import { FunctionProcess, type Invocation, type Outcome } from './function-process';
import { nodeBinary } from './node-binary';

/** What Lambda needs of the rest of the account. */
export interface LambdaPorts {
  assumeRole(roleArn: string, sessionName: string): Promise<Credentials> | Credentials;
  readObject(bucket: string, key: string): Buffer;
  /** Url of the running server. */
  endpoint(): string;
  readonly logs: LogStore;
}

export interface LambdaOptions {
  /** How long Lambda waits before it runs a failed asynchronous invocation again; one retry for each. */
  readonly asyncRetryDelaysMilliseconds?: readonly number[];
  /** Whether functions set the account's clock ahead instead of sleeping: nobody waits for them. */
  readonly functionsPassTime?: boolean;
}

/** Where a function's code comes from. */
export type FunctionCode =
  | { readonly bucket: string; readonly key: string }
  /** CloudFormation's `ZipFile`: the source of `index.js`. */
  | { readonly source: string };

const RUNTIME_API = /^\/lambda-runtime\/([^/]+)\/2018-06-01\/runtime\/(.+)$/;

/** Lambda: functions from their zip files, run in child processes on Node 24. */
export class LambdaService {
  readonly #functions = new Map<string, FunctionVersion>();
  /** ARNs, each of an alias of `$LATEST`. */
  readonly #aliases = new Set<string>();
  readonly #policies = new FunctionPolicies();
  readonly #processes = new Map<string, FunctionProcess>();
  readonly #waitingRetries = new Set<NodeJS.Timeout>();
  readonly #retryDelays: readonly number[];
  readonly #passesTime: boolean;
  /** Where the functions' code lies: made for the first of them. */
  #folder?: string;
  #node?: string;
  readonly #closing = new AbortController();

  constructor(
    private readonly account: Account,
    private readonly ports: LambdaPorts,
    { asyncRetryDelaysMilliseconds = [60_000, 120_000], functionsPassTime = false }: LambdaOptions = {},
  ) {
    this.#retryDelays = asyncRetryDelaysMilliseconds;
    this.#passesTime = functionsPassTime;
  }

  /** Creates a function; answers its ARN. */
  async createFunction(configuration: FunctionConfiguration, code: FunctionCode): Promise<string> {
    const name = configuration.FunctionName;
    if (this.#functions.has(name))
      throw new AwsError('ResourceConflictException', `Function already exist: ${name}`, 409);
    await this.#assertRunnable(configuration);
    const arn = this.account.arn('lambda', `function:${name}`);
    this.#functions.set(name, { arn, configuration, taskRoot: this.#extract(code) });
    return arn;
  }

  /** Replaces a function's code; what runs goes on with the old one. */
  async updateCode(functionName: string, code: FunctionCode): Promise<void> {
    const { arn, configuration } = this.#function(functionName);
    this.#functions.set(functionName, { arn, configuration, taskRoot: this.#extract(code) });
    this.#retireOutdated(functionName);
  }

  /** Replaces a function's configuration; what runs goes on with the old one. */
  async updateConfiguration(configuration: FunctionConfiguration): Promise<void> {
    const { arn, taskRoot } = this.#function(configuration.FunctionName);
    await this.#assertRunnable(configuration);
    this.#functions.set(configuration.FunctionName, { arn, configuration, taskRoot });
    this.#retireOutdated(configuration.FunctionName);
  }

  /** Deletes a function; an invocation that runs is not disturbed, one that waits for its retry is dropped. */
  async deleteFunction(functionName: string): Promise<void> {
    const { arn } = this.#function(functionName);
    this.#functions.delete(functionName);
    for (const alias of this.#aliases) if (alias.startsWith(`${arn}:`)) this.#aliases.delete(alias);
    this.#policies.removeAll(arn);
    this.#retireOutdated(functionName);
  }

  /** Gives `$LATEST` of a function another name; answers its ARN. */
  createAlias(functionName: string, alias: string): string {
    const arn = `${this.#function(functionName).arn}:${alias}`;
    if (this.#aliases.has(arn)) throw new AwsError('ResourceConflictException', `Alias already exists: ${arn}`, 409);
    this.#aliases.add(arn);
    return arn;
  }

  deleteAlias(arn: string): void {
    this.#aliases.delete(arn);
    this.#policies.removeAll(arn);
  }

  /** Adds a statement to the resource policy of a function or an alias. */
  addPermission(nameOrArn: string, permission: Permission): void {
    this.#policies.add(this.#invoked(nameOrArn).functionArn, permission);
  }

  removePermission(nameOrArn: string, statementId: string): void {
    this.#policies.remove(this.#invoked(nameOrArn).functionArn, statementId);
  }

  /** Whether a service (`secretsmanager.amazonaws.com`) may invoke a function or an alias on behalf of a resource. */
  mayInvoke(service: string, nameOrArn: string, source: InvocationSource): boolean {
    return this.hasFunction(nameOrArn) && this.#policies.mayInvoke(service, this.#arnOf(nameOrArn), source);
  }

  /** Whether there is a function of this name or ARN. */
  hasFunction(nameOrArn: string): boolean {
    return this.#functions.has(nameOf(nameOrArn));
  }

  /** Invokes a function, by its name or by an ARN with or without a qualifier, and waits for how the run ended. */
  async invoke(nameOrArn: string, event: unknown): Promise<Outcome> {
    const { version, functionArn } = this.#invoked(nameOrArn);
    return this.#run(version, { requestId: randomUUID(), functionArn, event });
  }

  /** Queues an event; a run that fails is repeated after each of the retry delays. Answers the request id of all of them. */
  invokeAsync(nameOrArn: string, event: unknown): string {
    const { arn: functionArn, configuration } = this.#function(nameOf(nameOrArn));
    const name = configuration.FunctionName;
    const invocation = { requestId: randomUUID(), functionArn, event };
    void this.#attempt(name, invocation, this.#retryDelays);
    return invocation.requestId;
  }

  /** Kills the processes of a function that run an invocation, as a crash would. */
  killRunning(functionName: string): void {
    for (const running of this.#processesOf(functionName)) if (running.busy) running.kill();
  }

  /** Process ids are of no use to a test that asks whether anything is left; their number is. */
  get processCount(): number {
    return this.#processes.size;
  }

  /** Serves the runtime API to the functions' processes. */
  readonly route = (request: HttpRequest): Promise<HttpAnswer> | undefined => {
    const [, id, resource] = RUNTIME_API.exec(request.url.pathname) ?? [];
    if (id === undefined || resource === undefined) return undefined;
    return this.#processes.get(id)?.answer(request.method, resource, request.body) ?? Promise.resolve({ status: 410 });
  };

  /** Ends every process and waits for it; drops the retries in waiting. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#waitingRetries) clearTimeout(timer);
    this.#waitingRetries.clear();
    const processes = [...this.#processes.values()];
    for (const running of processes) running.kill();
    await Promise.all(processes.map(({ ended }) => ended));
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  async #attempt(name: string, invocation: Invocation, delays: readonly number[]): Promise<void> {
    const version = this.#functions.get(name);
    if (!version || this.#isClosed()) return;
    const outcome = await this.#run(version, invocation);
    const [delay, ...later] = delays;
    if (outcome.kind === 'returned' || delay === undefined || this.#isClosed()) return;
    const timer = setTimeout(() => {
      this.#waitingRetries.delete(timer);
      void this.#attempt(name, invocation, later);
    }, delay);
    timer.unref();
    this.#waitingRetries.add(timer);
  }

  #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #run(version: FunctionVersion, invocation: Invocation): Promise<Outcome> {
    const name = version.configuration.FunctionName;
    const warm = this.#processesOf(name).find((candidate) => candidate.isWarmFor(version, this.account.now()));
    try {
      const outcome = await (warm ?? (await this.#start(version))).invoke(invocation);
      this.#retireOutdated(name);
      return outcome;
    } catch (thrown) {
      process.stderr.write(`local-aws: the function ${name} did not start: ${String(thrown)}\n`);
      return { kind: 'failed', errorType: 'Runtime.StartError', errorMessage: String(thrown) };
    }
  }

  async #start(version: FunctionVersion): Promise<FunctionProcess> {
    const { FunctionName, Role } = version.configuration;
    this.#node ??= nodeBinary();
    const credentials = await this.ports.assumeRole(Role, FunctionName);
    if (this.#isClosed()) throw new Error('local-aws is closed');
    const started = new FunctionProcess({
      node: this.#node,
      version,
      credentials,
      region: this.account.region,
      endpoint: this.ports.endpoint(),
      logs: this.ports.logs,
      millisecondsAhead: () => this.account.millisecondsAhead,
      passTime: this.#passesTime ? (milliseconds) => this.account.advanceClock(milliseconds) : undefined,
    });
    this.#processes.set(started.id, started);
    void started.ended.then(() => this.#processes.delete(started.id));
    return started;
  }

  #processesOf(name: string): FunctionProcess[] {
    return [...this.#processes.values()].filter(({ version }) => version.configuration.FunctionName === name);
  }

  #retireOutdated(name: string): void {
    const current = this.#functions.get(name);
    for (const candidate of this.#processesOf(name)) {
      if (!candidate.busy && candidate.version !== current) candidate.kill();
    }
  }

  #function(name: string): FunctionVersion {
    const found = this.#functions.get(name);
    if (found) return found;
    const arn = this.account.arn('lambda', `function:${name}`);
    throw new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404);
  }

  /** The ARN by which a function is invoked: with the alias, if a name or ARN has one. */
  #arnOf(nameOrArn: string): string {
    const qualifier = qualifierOf(nameOrArn);
    const arn = this.account.arn('lambda', `function:${nameOf(nameOrArn)}`);
    return qualifier === undefined ? arn : `${arn}:${qualifier}`;
  }

  #invoked(nameOrArn: string): { readonly version: FunctionVersion; readonly functionArn: string } {
    const version = this.#function(nameOf(nameOrArn));
    const functionArn = this.#arnOf(nameOrArn);
    if (functionArn !== version.arn && functionArn !== `${version.arn}:$LATEST` && !this.#aliases.has(functionArn)) {
      throw new AwsError('ResourceNotFoundException', `Function not found: ${functionArn}`, 404);
    }
    return { version, functionArn };
  }

  async #assertRunnable({ Runtime, Role, FunctionName }: FunctionConfiguration): Promise<void> {
    if (!/^nodejs\d+\.x$/.test(Runtime)) throw notImplemented(`the Lambda runtime ${Runtime}`);
    try {
      await this.ports.assumeRole(Role, FunctionName);
    } catch (cause) {
      const message = 'The role defined for the function cannot be assumed by Lambda.';
      throw Object.assign(new AwsError('InvalidParameterValueException', message), { cause });
    }
  }

  /**
   * The Node runtimes bring the AWS SDK, which a function finds where it looks for modules. Here they bring the clients
   * that this installation has.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html#nodejs-sdk-included
   */
  #folderWithSdk(): string {
    const client = path.dirname(require.resolve('@aws-sdk/client-iam/package.json'));
    const folder = mkdtempSync(path.join(tmpdir(), 'local-aws-lambda-'));
    const modules = path.join(folder, 'node_modules');
    mkdirSync(modules);
    symlinkSync(path.dirname(client), path.join(modules, '@aws-sdk'), 'junction');
    return folder;
  }

  #extract(code: FunctionCode): string {
    this.#folder ??= this.#folderWithSdk();
    const folder = mkdtempSync(path.join(this.#folder, 'code-'));
    const zip = 'source' in code ? new AdmZip() : new AdmZip(this.ports.readObject(code.bucket, code.key));
    if ('source' in code) zip.addFile('index.js', Buffer.from(code.source));
    zip.extractAllTo(folder, true);
    return folder;
  }
}

function nameOf(nameOrArn: string): string {
  const [, name = nameOrArn] = /:function:([^:]+)/.exec(nameOrArn) ?? [];
  return name;
}

function qualifierOf(nameOrArn: string): string | undefined {
  return /:function:[^:]+:([^:]+)$/.exec(nameOrArn)?.[1];
}
