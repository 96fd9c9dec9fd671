#!/usr/bin/env node
import { version } from '../package.json';
import { systemClock } from '../lambda/contract/clock';
import { keptSession } from './virtual-mfa/kept-session';
import { namedFileStats } from './virtual-mfa/private-file';
import { print } from './virtual-mfa/terminal';

/** Whoever reads the output may stop before its end, as head does. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
}

async function main(): Promise<void> {
  process.stdout.on('error', endWithReader);
  const args = process.argv.slice(2);
  const terminal = {
    output: process.stdout,
    messages: process.stderr,
    outputStats: () => namedFileStats(process.stdout.fd),
  };
  const kept = keptSession(args, terminal, systemClock.now());
  if (kept !== undefined) {
    print(terminal, kept);
    return;
  }
  const { run } = await import('./virtual-mfa/program.js');
  // The SDK is in the bundle: whoever runs it on Node 20 cannot act on what it says about later ones.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());
  const exitCode = await run(args, {
    terminal,
    input: process.stdin,
    clock: systemClock,
    signal: interrupted.signal,
    version,
  });
  // A call that was under way at an interrupt would keep the process.
  if (interrupted.signal.aborted) process.exit(exitCode);
  process.exitCode = exitCode;
}

void main();
