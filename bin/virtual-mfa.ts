#!/usr/bin/env node
import { fstatSync } from 'node:fs';
import { version } from '../package.json';
import { systemClock } from './virtual-mfa/clock';
import { run } from './virtual-mfa/program';

async function main(): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());
  process.exitCode = await run(process.argv.slice(2), {
    terminal: { output: process.stdout, messages: process.stderr, outputStats: () => fstatSync(process.stdout.fd) },
    clock: systemClock,
    signal: interrupted.signal,
    version,
  });
}

void main();
