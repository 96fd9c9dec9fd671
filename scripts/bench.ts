import { measureColdStart } from './bench/cold-start';
import { measureManyDevices } from './bench/many-devices';
import { rendered, type Section } from './bench/report';
import { measureRoundTrips } from './bench/round-trips';
import { measureScale } from './bench/scale';
import { measureSession } from './bench/session';
import { measureUsers } from './bench/users';

/** What can be measured, by the name that `npm run bench -- <name>` takes. */
const MEASUREMENTS: Readonly<Record<string, () => Promise<Section>>> = {
  'round-trips': measureRoundTrips,
  'cold-start': measureColdStart,
  scale: measureScale,
  users: measureUsers,
  session: measureSession,
  'many-devices': measureManyDevices,
};

/** `npm run bench`: prints what the README quotes, measured on this machine, now. */
async function bench(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !(name in MEASUREMENTS));
  if (unknown.length > 0) {
    throw new Error(`got ${unknown.join(', ')}; allowed: ${Object.keys(MEASUREMENTS).join(', ')}, or nothing for all.`);
  }
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (names.length === 0 || names.includes(name)) process.stdout.write(`${rendered(await measure())}\n`);
  }
}

bench(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
