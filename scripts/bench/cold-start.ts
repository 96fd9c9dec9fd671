import { statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { BUNDLE, newProperties, runFunction } from './function-runs';
import { withLocalAws } from './loopback';
import { ROOT } from './measured-process';
import { mediansInTurns, megabytes, milliseconds, type Section } from './report';

const ROUNDS = 11;

/** How long the function takes to be ready, and for its first event, in a new process; and what memory that takes. */
export async function measureColdStart(): Promise<Section> {
  return withLocalAws(async (localAws, folder) => {
    const byDefault = join(folder, 'index.js');
    const entryPoints = [join(ROOT, 'lambda/index.ts')];
    await build({ entryPoints, outfile: byDefault, bundle: true, platform: 'node' });
    const bundles = [
      { name: 'as shipped', bundle: BUNDLE },
      { name: 'bundled with esbuild’s defaults', bundle: byDefault },
    ];
    let users = 0;
    const starts = await mediansInTurns(ROUNDS, bundles, async ({ bundle }) => {
      users += 1;
      const UserName = `user-${users}`;
      await localAws.account.invoke('iam', 'CreateUser', { UserName });
      const ResourceProperties = await newProperties(localAws, UserName);
      const { runs, ...figures } = await runFunction(localAws, bundle, [{ RequestType: 'Create', ResourceProperties }]);
      return { ...figures, firstEvent: runs[0]?.milliseconds ?? NaN };
    });
    return {
      title: 'Cold start, and memory',
      head: ['the function’s code', 'kB', 'load (ms)', 'first Create (ms)', 'processor (ms)', 'peak memory (MB)'],
      rows: starts.map(({ name, bundle, load, firstEvent, cpuMilliseconds, peakBytes }) => [
        ...[name, (statSync(bundle).size / 1000).toFixed(0)],
        ...[load, firstEvent, cpuMilliseconds].map(milliseconds),
        megabytes(peakBytes),
      ]),
      notes: [`Medians of ${ROUNDS} processes each, taken in turns, on the function’s Node.`],
    };
  });
}
