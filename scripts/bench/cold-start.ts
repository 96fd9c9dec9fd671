import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type LocalAws, nodeBinary, startLocalAws } from 'local-aws';
import { answerSink, newSeedSecret } from './deployed-function';
import { measureProcess, ROOT, type Usage } from './measured-process';
import { median, megabytes, milliseconds, type Section } from './report';

const ROUNDS = 11;

/** One new process that loads the function and runs a Create event. */
interface ColdStart extends Usage {
  readonly load: number;
  readonly firstEvent: number;
}

/** Runs in the new process. The function's log goes to the standard output too: the result is the last line. */
const PROBE = `
const [module, event] = process.argv.slice(1);
const began = performance.now();
const { handler } = require(module);
const loaded = performance.now();
const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 300000 };
handler(JSON.parse(event), context).then(() => {
  process.stdout.write('\\n' + JSON.stringify({ load: loaded - began, firstEvent: performance.now() - loaded }));
});
`;

/** How long the function takes to be ready, and for its first event, in a new process; and what memory that takes. */
export async function measureColdStart(): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-bench-'));
  const localAws = await startLocalAws();
  try {
    const byDefault = join(folder, 'index.js');
    const entryPoints = [join(ROOT, 'lambda/index.ts')];
    await build({ entryPoints, outfile: byDefault, bundle: true, platform: 'node' });
    const bundles = [
      { name: 'as shipped', module: join(ROOT, 'dist/handler/index.js'), starts: [] as ColdStart[] },
      { name: 'bundled with esbuild’s defaults', module: byDefault, starts: [] as ColdStart[] },
    ];
    // One after the other in each round, so that what the machine does beside it falls on both alike.
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const { module, starts } of bundles) starts.push(await coldStart(localAws, module));
    }
    return {
      title: 'Cold start, and memory',
      head: ['the function’s code', 'kB', 'load (ms)', 'first Create (ms)', 'processor (ms)', 'peak memory (MB)'],
      rows: bundles.map(({ name, module, starts }) => {
        const of = (key: keyof ColdStart) => median(starts.map((start) => start[key]));
        const times = (['load', 'firstEvent', 'cpuMilliseconds'] as const).map((key) => milliseconds(of(key)));
        return [name, (statSync(module).size / 1000).toFixed(0), ...times, megabytes(of('peakBytes'))];
      }),
      notes: [`Medians of ${ROUNDS} processes each, taken in turns, on the function’s Node.`],
    };
  } finally {
    await localAws.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

let users = 0;

/** Loads the function in a new process, which makes a device for a new user. */
async function coldStart(localAws: LocalAws, module: string): Promise<ColdStart> {
  const { account, environment } = localAws;
  users += 1;
  const UserName = `user-${users}`;
  await account.invoke('iam', 'CreateUser', { UserName });
  const resource = { StackId: account.arn('cloudformation', 'stack/bench/1'), LogicalResourceId: `User${users}` };
  const answers = await answerSink();
  try {
    const event = {
      ...{ RequestType: 'Create', RequestId: UserName, ResponseURL: answers.url, ...resource },
      ResourceProperties: { UserName, SeedSecretArn: await newSeedSecret(localAws, resource, UserName) },
    };
    const { output, ...usage } = await measureProcess(['-e', PROBE, module, JSON.stringify(event)], {
      node: nodeBinary(),
      environment,
    });
    const { answer } = answers.last();
    if (answer['Status'] !== 'SUCCESS') throw new Error(`The function answered ${JSON.stringify(answer)}`);
    const times = JSON.parse(output.split('\n').at(-1) ?? '') as Pick<ColdStart, 'load' | 'firstEvent'>;
    return { ...usage, ...times };
  } finally {
    answers.close();
  }
}
