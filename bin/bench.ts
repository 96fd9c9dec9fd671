import { measureColdStart } from './bench/cold-start';
import { measureLocalAws } from './bench/local-aws';
import { rendered, type Section } from './bench/report';
import { measureScale } from './bench/scale';
import { measureTimeToEnabled } from './bench/time-to-enabled';
import { measureUsersInStacks } from './bench/users-in-stacks';

/** What can be measured, by the name that `npm run bench -- <name>` takes. */
const MEASUREMENTS: Readonly<Record<string, () => Promise<Section[]>>> = {
  'time-to-enabled': measureTimeToEnabled,
  'cold-start': measureColdStart,
  scale: measureScale,
  'users-in-stacks': measureUsersInStacks,
  'local-aws': measureLocalAws,
};

/** `npm run bench`: prints what the README quotes, measured on this machine, now. */
async function bench(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !(name in MEASUREMENTS));
  if (unknown.length > 0) {
    throw new Error(`got ${unknown.join(', ')}; allowed: ${Object.keys(MEASUREMENTS).join(', ')}, or nothing for all.`);
  }
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    for (const section of await measure()) process.stdout.write(`${rendered(section)}\n`);
  }
}

bench(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
