import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { nodeBinary, startLocalAws } from '../../local-aws';
import { type ColdStart, coldStart, timeOf } from './cold-start-process';
import { median, milliseconds, type Section } from './report';

const ROOT = join(__dirname, '../..');
const SHIPPED = join(ROOT, 'dist/handler/index.js');
const OUTPUT = join(ROOT, 'dist/bench');
const ROUNDS = 11;

/** The same code, made in other ways. */
const OTHERS: Readonly<Record<string, BuildOptions>> = {
  'bundled with esbuild’s defaults': { entryPoints: [join(ROOT, 'lambda/index.ts')], bundle: true },
  'not bundled': { entryPoints: [join(ROOT, 'lambda/*.ts')], format: 'cjs', target: 'node24' },
};

interface Measured extends ColdStart {
  readonly name: string;
  readonly bytes: number | undefined;
}

/** How long the function takes to be ready, and for its first event, in a new process; and what memory that takes. */
export async function measureColdStart(): Promise<Section[]> {
  const node = nodeBinary();
  const modules = new Map([['as shipped', SHIPPED], ...(await builtOthers())]);
  const measured = await measureInTurns(node, modules);
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) bare.push(await timeOf(node, ['-e', '0']));
  const [shipped, naive] = measured;
  const ratio = ((shipped?.load ?? NaN) / (naive?.load ?? NaN)).toFixed(2);
  return [
    {
      title: 'Cold start, and memory',
      head: [
        'the function’s code',
        'kB',
        'load (ms)',
        'first Create (ms)',
        'process in all (ms)',
        'processor (ms)',
        'peak memory (MB)',
      ],
      rows: [
        ...measured.map(({ name, bytes, load, firstEvent, wall, cpu, peakBytes }) => [
          name,
          bytes === undefined ? '-' : (bytes / 1000).toFixed(0),
          ...[load, firstEvent, wall, cpu].map(milliseconds),
          (peakBytes / 1e6).toFixed(0),
        ]),
        ['none: node -e 0', '-', '-', '-', milliseconds(median(bare)), '-', '-'],
      ],
      notes: [
        `Medians of ${ROUNDS} processes each, taken in turns, on ${node === process.execPath ? process.version : 'Node 24'}. As shipped, it loads in ${ratio} of the time that esbuild’s defaults take.`,
      ],
    },
  ];
}

async function builtOthers(): Promise<[name: string, module: string][]> {
  rmSync(OUTPUT, { recursive: true, force: true });
  return Promise.all(
    Object.entries(OTHERS).map(async ([name, options], index): Promise<[string, string]> => {
      const outdir = join(OUTPUT, String(index));
      await build({ platform: 'node', outdir, ...options });
      return [name, join(outdir, 'index.js')];
    }),
  );
}

/** One after the other in each round, so that what the machine does beside it falls on all alike. */
async function measureInTurns(node: string, modules: ReadonlyMap<string, string>): Promise<Measured[]> {
  const runs = new Map<string, ColdStart[]>([...modules.keys()].map((name) => [name, []]));
  const localAws = await startLocalAws();
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, module] of modules) runs.get(name)?.push(await coldStart(node, module, localAws));
    }
  } finally {
    await localAws.close();
  }
  return [...runs].map(([name, starts]) => {
    const of = (key: keyof ColdStart) => median(starts.map((start) => start[key]));
    const module = modules.get(name) ?? '';
    return {
      name,
      bytes: name === 'not bundled' ? undefined : statSync(module).size,
      load: of('load'),
      firstEvent: of('firstEvent'),
      wall: of('wall'),
      cpu: of('cpu'),
      peakBytes: of('peakBytes'),
    };
  });
}
