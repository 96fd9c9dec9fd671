import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LocalAws } from '../../local-aws';

/** One new process that loads the function and runs a Create event. Times are milliseconds. */
export interface ColdStart {
  readonly load: number;
  readonly firstEvent: number;
  /** From before the process to after it. */
  readonly wall: number;
  /** Processor time of the whole process. */
  readonly cpu: number;
  readonly peakBytes: number;
}

/** Runs in the new process. The function's log goes to the standard output: the result comes last, on the other one. */
const PROBE = `
const [module, event] = process.argv.slice(1);
const began = performance.now();
const { handler } = require(module);
const loaded = performance.now();
const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 300000 };
handler(JSON.parse(event), context).then(() => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.stderr.write(JSON.stringify({
    load: loaded - began,
    firstEvent: performance.now() - loaded,
    cpu: (userCPUTime + systemCPUTime) / 1000,
    peakBytes: maxRSS * 1024,
  }));
});
`;

let users = 0;

/** Loads the function in a new process, which makes a device for a new user. */
export async function coldStart(node: string, module: string, localAws: LocalAws): Promise<ColdStart> {
  const { account, environment } = localAws;
  users += 1;
  const UserName = `user-${users}`;
  await account.invoke('iam', 'CreateUser', { UserName });
  const { ARN: SeedSecretArn } = await account.invoke('secretsmanager', 'CreateSecret', { Name: `seed-${users}` });
  const answers = createServer((request, response) => void request.resume().on('end', () => response.end()));
  await new Promise<void>((listening) => answers.listen(0, '127.0.0.1', listening));
  const event = {
    RequestType: 'Create',
    RequestId: UserName,
    ResponseURL: `http://127.0.0.1:${(answers.address() as AddressInfo).port}/`,
    StackId: account.arn('cloudformation', 'stack/bench/1'),
    LogicalResourceId: UserName,
    ResourceProperties: { UserName, SeedSecretArn },
  };
  try {
    const { errors, wall } = await ended(node, ['-e', PROBE, module, JSON.stringify(event)], environment);
    if (localAws.iam.devicesOf(UserName).length !== 1) throw new Error(`No device was enabled: ${errors}`);
    return { ...(JSON.parse(errors) as Omit<ColdStart, 'wall'>), wall };
  } finally {
    answers.close();
  }
}

/** How long a process takes from its start to its end. */
export async function timeOf(node: string, args: readonly string[]): Promise<number> {
  return (await ended(node, args, {})).wall;
}

async function ended(
  node: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ errors: string; wall: number }> {
  const began = performance.now();
  // As in Lambda: nothing of the machine's own configuration.
  const env = { PATH: process.env['PATH'], ...environment };
  const child = spawn(node, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  await new Promise((closed) => child.once('close', closed));
  return { errors, wall: performance.now() - began };
}
