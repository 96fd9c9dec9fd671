import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Account } from '../../src/account';
import { type FunctionConfiguration } from '../../src/lambda/function-configuration';
import { LambdaService } from '../../src/lambda/lambda-service';
import { LogStore } from '../../src/logs';
import { type LoopbackServer, requestHandler, serve } from '../../src/server';

const ROLE = 'arn:aws:iam::123456789012:role/function';

let server: LoopbackServer;
let lambda: LambdaService;
let logs: LogStore;

beforeEach(async () => {
  const account = new Account({
    accountId: '123456789012',
    region: 'eu-central-1',
    partition: 'aws',
    now: () => Date.now(),
  });
  logs = new LogStore(account.now);
  lambda = new LambdaService(
    account,
    {
      assumeRole: (role) => {
        if (role !== ROLE) throw new Error('no such role');
        return { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' };
      },
      readObject: () => Buffer.alloc(0),
      endpoint: () => server.url,
      logs,
    },
    { asyncRetryDelaysMilliseconds: [20, 40] },
  );
  server = await serve(requestHandler(account, [lambda.route]), 0);
});

afterEach(async () => {
  await lambda.close();
  await server.close();
});

/** With more time than Lambda's three seconds, which a busy machine may need to start a process. */
async function create(source: string, configuration: Partial<FunctionConfiguration> = {}): Promise<string> {
  const common = { FunctionName: 'fn', Runtime: 'nodejs24.x', Handler: 'index.handler', Role: ROLE, Timeout: 600 };
  return lambda.createFunction({ ...common, ...configuration }, { source });
}

const lines = () => logs.group('/aws/lambda/fn').events.map(({ message }) => message);
const ECHO = 'exports.handler = async (event) => ({ event, pid: process.pid });';

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that has ended and was not waited for by anyone still has its number.
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a function', () => {
  it('runs on Node 24 with a clean environment, and knows what it is', async () => {
    vi.stubEnv('AWS_PROFILE', 'of the machine');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'of the machine');
    const arn = await create(
      `exports.handler = async (event, context) => ({
         env: process.env, node: process.versions.node, context: { ...context, left: context.getRemainingTimeInMillis() },
       });`,
      { Environment: { OWN: 'yes' }, Timeout: 7, MemorySize: 256 },
    );
    const { payload } = (await lambda.invoke(arn, {})) as unknown as {
      payload: { env: Record<string, string>; node: string; context: Record<string, unknown> };
    };
    vi.unstubAllEnvs();
    expect(payload.node).toMatch(/^24\./);
    expect(payload.env).toMatchObject({
      OWN: 'yes',
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: 'token',
      AWS_ENDPOINT_URL: server.url,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      _HANDLER: 'index.handler',
    });
    expect(payload.env).not.toHaveProperty('AWS_PROFILE');
    expect(payload.env).not.toHaveProperty('HOME');
    expect(payload.context).toMatchObject({ functionName: 'fn', invokedFunctionArn: arn, memoryLimitInMB: '256' });
    expect(payload.context.left).toBeGreaterThan(5000);
    expect(payload.context.left).toBeLessThanOrEqual(7000);
  });

  it('keeps its process warm for one invocation at a time', async () => {
    await create(
      'exports.handler = async () => { await new Promise((r) => setTimeout(r, 100)); return process.pid; };',
    );
    const [a, b] = await Promise.all([lambda.invoke('fn', {}), lambda.invoke('fn', {})]);
    expect(a).not.toEqual(b);
    expect([a, b]).toContainEqual(await lambda.invoke('fn', {}));
    expect(lambda.processCount).toBe(2);
  });

  it('gives up its warm process when it is changed or deleted', async () => {
    await create(ECHO);
    const before = await lambda.invoke('fn', 1);
    await lambda.updateCode('fn', { source: 'exports.handler = async () => process.pid;' });
    expect(await lambda.invoke('fn', 1)).not.toEqual(before);
    await lambda.deleteFunction('fn');
    await expect.poll(() => lambda.processCount).toBe(0);
    await expect(lambda.invoke('fn', 1)).rejects.toThrow('Function not found');
  });

  it.each([
    ['throws', 'exports.handler = async () => { throw new TypeError("bad"); };', 'TypeError', 'bad'],
    ['exits', 'exports.handler = async () => process.exit(3);', 'Runtime.ExitError', 'exit status 3'],
    ['does not load', 'throw new Error("broken");', 'Error', 'broken'],
    ['has no handler', 'exports.other = 1;', 'Runtime.HandlerNotFound', 'undefined or not exported'],
    ['wants a callback', 'exports.handler = (e, c, done) => done();', 'Runtime.CallbackHandlerDeprecated', 'Callback'],
  ])('that %s fails', async (_what, source, errorType, message) => {
    await create(source);
    expect(await lambda.invoke('fn', {})).toMatchObject({
      kind: 'failed',
      errorType,
      errorMessage: expect.stringContaining(message) as string,
    });
  });

  it.each([
    ['an invocation', 'exports.handler = async () => { throw new TypeError("bad"); };', 'Invoke Error', 'TypeError'],
    ['the initialization', 'throw new RangeError("broken");', 'Uncaught Exception', 'RangeError'],
  ])('logs why %s failed', async (_what, source, label, errorType) => {
    await create(source);
    await lambda.invoke('fn', {});

    await expect.poll(() => lines().join('\n')).toContain(`${label} {"errorType":"${errorType}"`);
  });

  it('finds the AWS SDK, which the runtime brings, and no other package', async () => {
    await create(`
      exports.handler = async () => {
        const { IAMClient } = require('@aws-sdk/client-iam');
        const { STSClient } = await import('@aws-sdk/client-sts');
        return [IAMClient.name, STSClient.name, await import('otplib').catch(({ code }) => code)];
      };`);

    expect(await lambda.invoke('fn', {})).toEqual({
      kind: 'returned',
      payload: ['IAMClient', 'STSClient', 'ERR_MODULE_NOT_FOUND'],
    });
  });

  it('is killed when its time is over, even if it never gives the event loop back', async () => {
    await create('exports.handler = async () => { for (;;); };', { Timeout: 1 });
    expect(await lambda.invoke('fn', {})).toMatchObject({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringContaining('Task timed out after 1.00 seconds') as string,
    });
    await expect.poll(() => lambda.processCount).toBe(0);
  });

  it('needs a runtime and a role that are there', async () => {
    await expect(create(ECHO, { Runtime: 'python3.14' })).rejects.toThrow('the Lambda runtime python3.14');
    await expect(create(ECHO, { Role: `${ROLE}-else` })).rejects.toThrow('cannot be assumed by Lambda');
  });
});

describe('a permission', () => {
  const SERVICE = 'secretsmanager.amazonaws.com';
  const PERMISSION = { StatementId: 'one', Action: 'lambda:InvokeFunction', Principal: SERVICE };
  const permitted = (name = 'fn') =>
    lambda.mayInvoke(SERVICE, name, { account: '123456789012', arn: 'arn:of:a:secret' });

  it('goes with the function', async () => {
    await create(ECHO);
    lambda.addPermission('fn', PERMISSION);
    expect(permitted()).toBe(true);
    await lambda.deleteFunction('fn');
    expect(permitted()).toBe(false);
    await create(ECHO);
    expect(permitted()).toBe(false);
  });

  it('of an alias goes with the alias, and is not that of the function', async () => {
    await create(ECHO);
    const alias = lambda.createAlias('fn', 'live');
    lambda.addPermission(alias, PERMISSION);
    expect([permitted(alias), permitted()]).toEqual([true, false]);
    lambda.deleteAlias(alias);
    lambda.createAlias('fn', 'live');
    expect(permitted(alias)).toBe(false);
  });

  it('is refused for what is not there, twice, and for whom local-aws does not let in', async () => {
    expect(() => lambda.addPermission('fn', PERMISSION)).toThrow('Function not found');
    await create(ECHO);
    expect(() => lambda.addPermission('arn:aws:lambda:eu-central-1:123456789012:function:fn:live', PERMISSION)).toThrow(
      'Function not found',
    );
    lambda.addPermission('fn', PERMISSION);
    expect(() => lambda.addPermission('fn', PERMISSION)).toThrow(
      expect.objectContaining({ code: 'ResourceConflictException' }),
    );
    const other = { ...PERMISSION, StatementId: 'two', Principal: '123456789012' };
    expect(() => lambda.addPermission('fn', other)).toThrow(expect.objectContaining({ code: 'NotImplemented' }));
  });
});

describe('an asynchronous invocation', () => {
  it('is run again, twice, with the same request id, when it fails', async () => {
    await create('exports.handler = async (event, context) => { console.log("run", context.awsRequestId); throw 1; };');
    const requestId = lambda.invokeAsync('fn', {});
    const runs = () =>
      lines().filter((line) => line.endsWith(`run ${requestId}`) || line === `run ${requestId}`).length;
    await expect.poll(runs).toBe(3);
    await delay(150);
    expect(runs()).toBe(3);
  });

  it('that is killed is run again', async () => {
    await create(
      `exports.handler = async () => {
         const file = require('node:path').join(require('node:os').tmpdir(), 'never');
         console.log('running');
         await new Promise((resolve) => setTimeout(resolve, 300));
         console.log('done', file.length > 0);
       };`,
    );
    lambda.invokeAsync('fn', {});
    await expect.poll(() => logs.groups().length && lines().filter((line) => line === 'running').length).toBe(1);
    lambda.killRunning('fn');
    await expect.poll(() => lines().includes('done true')).toBe(true);
    expect(lines().filter((line) => line === 'running')).toHaveLength(2);
  });

  it('is not repeated when the function is gone', async () => {
    await create('exports.handler = async () => { console.log("run"); throw 1; };');
    lambda.invokeAsync('fn', {});
    await expect.poll(() => logs.groups().length && lines().includes('run')).toBe(true);
    await lambda.deleteFunction('fn');
    await delay(100);
    expect(lines().filter((line) => line === 'run').length).toBeLessThanOrEqual(2);
  });
});

describe('logs', () => {
  it('are JSON, with platform events, when the function says so', async () => {
    await create('exports.handler = async () => { console.info("hello %s", "world"); console.debug("no"); };', {
      LoggingConfig: { LogFormat: 'JSON', LogGroup: 'own-group' },
    });
    await lambda.invoke('fn', {});
    const read = () =>
      logs.group('own-group').events.map(({ message }) => JSON.parse(message) as { type?: string; message?: string });
    await expect.poll(() => read().length).toBe(3);
    expect(read()).toContainEqual(expect.objectContaining({ level: 'INFO', message: 'hello world' }));
    expect(read().flatMap(({ type = [] }) => type)).toEqual(['platform.start', 'platform.report']);
  });
});

describe('no process is left', () => {
  it('after close', async () => {
    await create('exports.handler = async () => process.pid;');
    const { payload } = (await lambda.invoke('fn', {})) as unknown as { payload: number };
    await create('exports.handler = async () => { for (;;); };', { FunctionName: 'busy', Timeout: 60 });
    const running = lambda.invoke('busy', {});
    await delay(200);
    await lambda.close();
    expect(await running).toMatchObject({ kind: 'failed' });
    expect(isRunning(payload)).toBe(false);
    expect(lambda.processCount).toBe(0);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'after %s to local-aws, even if a handler never yields',
    async (signal) => {
      const tsx = path.resolve('node_modules/tsx/dist/cli.mjs');
      // Who is killed cannot clean up: its files go with this folder.
      const folder = mkdtempSync(path.join(tmpdir(), 'local-aws-test-'));
      const child = execa(process.execPath, [tsx, path.resolve('local-aws/test/lambda/busy-account.ts')], {
        stdin: 'ignore',
        stderr: 'inherit',
        buffer: false,
        reject: false,
        env: { TMPDIR: folder },
      });
      const [printed] = (await once(child.stdout, 'data')) as [Buffer];
      const { account, functions } = JSON.parse(printed.toString()) as { account: number; functions: number[] };
      expect(functions.every(isRunning)).toBe(true);
      process.kill(account, signal);
      await child;
      await expect.poll(() => functions.filter(isRunning)).toEqual([]);
      rmSync(folder, { recursive: true, force: true });
    },
  );
});
