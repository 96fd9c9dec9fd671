import { once } from 'node:events';
import { Account } from '../../src/account';
import { LambdaService } from '../../src/lambda/lambda-service';
import { LogStore } from '../../src/logs';
import { type LoopbackServer, requestHandler, serve } from '../../src/server';

/** An account with a function that waits and one that never yields: prints their process ids, and does not end by itself. */
async function main(): Promise<void> {
  const account = new Account({
    accountId: '123456789012',
    region: 'eu-central-1',
    partition: 'aws',
    now: () => Date.now(),
  });
  const logs = new LogStore(account.now);
  const lambda = new LambdaService(account, {
    assumeRole: () => ({ accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'secret' }),
    readObject: () => Buffer.alloc(0),
    endpoint: () => server.url,
    logs,
  });
  const server: LoopbackServer = await serve(requestHandler(account, [lambda.route]), 0);

  const functions: number[] = [];
  for (const [name, body] of Object.entries({ idle: 'return;', busy: 'for (;;);' })) {
    await lambda.createFunction(
      { FunctionName: name, Runtime: 'nodejs24.x', Handler: 'index.handler', Role: 'role', Timeout: 60 },
      { source: `exports.handler = async () => { require('node:fs').writeSync(1, process.pid + '\\n'); ${body} };` },
    );
    lambda.invokeAsync(name, {});
    functions.push(await processId(logs, name));
  }
  process.stdout.write(JSON.stringify({ account: process.pid, functions }));
  await once(process, 'never');
}

async function processId(logs: LogStore, name: string): Promise<number> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const group = logs.groups().find((candidate) => candidate.name === `/aws/lambda/${name}`);
    const line = group?.events.find(({ message }) => /^\d+$/.test(message));
    if (line) return Number(line.message);
  }
}

void main();
