// Runs in the function's process, on the function's Node: what AWS calls the runtime. Plain JavaScript without dependencies.
import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { Worker } from 'node:worker_threads';

// The parent holds the other end of stdin: when it is gone, however it ended, this process ends, even if the handler
// never gives the event loop back.
new Worker(
  `const { Socket } = require('node:net');
   const stdin = new Socket({ fd: 0 });
   for (const event of ['end', 'close', 'error']) stdin.on(event, () => process.kill(process.pid, 'SIGKILL'));
   stdin.resume();`,
  { eval: true },
).unref();

const require = createRequire(import.meta.url);
// An import would load everything that http exports, undici included, and double the time that Node takes to start.
const { Agent, request } = require('node:http');

const { LOCAL_AWS_RUNTIME_API: api, LOCAL_AWS_PASSES_TIME: passesTime } = process.env;
const { _HANDLER: handlerName, LAMBDA_TASK_ROOT: taskRoot } = process.env;
delete process.env.LOCAL_AWS_RUNTIME_API;
delete process.env.LOCAL_AWS_PASSES_TIME;
const agent = new Agent({ keepAlive: true });

// A function lives by the account's clock, which tests set ahead.
const SystemDate = Date;
let millisecondsAhead = 0;
globalThis.Date = class Date extends SystemDate {
  constructor(...values) {
    super(...(values.length === 0 ? [Date.now()] : values));
  }

  static now() {
    return SystemDate.now() + millisecondsAhead;
  }
};

// What sleeps with the promises' timers sets the account's clock ahead instead.
if (passesTime) {
  require('node:timers/promises').setTimeout = async (milliseconds, value) => {
    const { headers } = await call('POST', `time/${Math.ceil(milliseconds)}`);
    millisecondsAhead = Number(headers['local-aws-milliseconds-ahead']);
    return value;
  };
}

let currentRequestId;

function call(method, resource, body) {
  return new Promise((resolve, reject) => {
    const sent = request(`${api}/2018-06-01/runtime/${resource}`, { method, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode >= 400) reject(new Error(`runtime API: ${response.statusCode}`));
        else resolve({ headers: response.headers, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function describe(error) {
  return JSON.stringify(
    error instanceof Error
      ? { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
      : { errorType: typeof error, errorMessage: String(error), trace: [] },
  );
}

// With the JSON log format Lambda wraps what the console writes, as its own Node runtime does.
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
function writeConsoleAsJson() {
  const levels = { trace: 'TRACE', debug: 'DEBUG', log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR' };
  const order = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
  const lowest = order.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL ?? 'INFO');
  for (const [method, level] of Object.entries(levels)) {
    globalThis.console[method] = (...values) => {
      if (order.indexOf(level) < lowest) return;
      const message = values.length === 1 && typeof values[0] === 'object' ? values[0] : format(...values);
      const line = { timestamp: new Date().toISOString(), level, requestId: currentRequestId, message };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    };
  }
}

async function loadHandler() {
  const dot = handlerName.lastIndexOf('.');
  const base = path.resolve(taskRoot, handlerName.slice(0, dot));
  const file = ['.js', '.mjs', '.cjs'].map((extension) => base + extension).find((candidate) => existsSync(candidate));
  if (!file) throw Object.assign(new Error(`Cannot find module '${base}'`), { name: 'Runtime.ImportModuleError' });
  const module = file.endsWith('.mjs') ? await import(pathToFileURL(file).href) : createRequire(file)(file);
  const handler = module[handlerName.slice(dot + 1)];
  if (typeof handler !== 'function') {
    throw Object.assign(new Error(`${handlerName} is undefined or not exported`), { name: 'Runtime.HandlerNotFound' });
  }
  if (handler.length > 2) {
    throw Object.assign(new Error('Callback-based handlers are not supported on Node.js 24'), {
      name: 'Runtime.CallbackHandlerDeprecated',
    });
  }
  return handler;
}

if (process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON') writeConsoleAsJson();

const handler = await loadHandler().catch(async (error) => {
  console.error('Uncaught Exception', describe(error));
  await call('POST', 'init/error', describe(error));
  process.exit(1);
});

for (;;) {
  // A runtime API that does not answer is a parent that has ended: nothing is left to do here.
  const next = await call('GET', 'invocation/next').catch(() => process.exit(0));
  const requestId = next.headers['lambda-runtime-aws-request-id'];
  const deadline = Number(next.headers['lambda-runtime-deadline-ms']);
  millisecondsAhead = Number(next.headers['local-aws-milliseconds-ahead']);
  currentRequestId = requestId;
  const context = {
    awsRequestId: requestId,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: next.headers['lambda-runtime-invoked-function-arn'],
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - SystemDate.now()),
  };
  try {
    const result = await handler(JSON.parse(next.body), context);
    await call('POST', `invocation/${requestId}/response`, JSON.stringify(result) ?? 'null');
  } catch (error) {
    console.error('Invoke Error', describe(error));
    await call('POST', `invocation/${requestId}/error`, describe(error)).catch(() => process.exit(0));
  }
}
