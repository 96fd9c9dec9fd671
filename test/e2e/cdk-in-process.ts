import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';
import type { CdkRun } from '../../bin/cdk-command';

/** What `bin/cdk` of the CLI's package calls. The package exports it to nobody else; its version is pinned. */
interface CdkCli {
  readonly exec: (args: readonly string[]) => Promise<number | undefined>;
}

/** Runs the CDK CLI's own code in this process, on an app that is synthesized. Loading the CLI takes far longer than its commands. */
export async function cdkInProcess(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<CdkRun> {
  const require = createRequire(__filename);
  const { exec } = require(join(dirname(require.resolve('aws-cdk/package.json')), 'lib')) as CdkCli;
  let output = '';
  const keep = (chunk: string | Uint8Array, ...rest: readonly unknown[]) => {
    output += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    const written = rest.at(-1) as (() => void) | string | undefined;
    if (typeof written === 'function') written();
    return true;
  };
  const streams = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(keep));
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.stubEnv('CDK_DISABLE_CLI_TELEMETRY', 'true');
  try {
    // The bundles are built before all tests: the build that cdk.json names would only write them again, under the feet of others.
    const exitCode = await exec([...args, '--build', '', '--no-notices', '--no-version-reporting', '--ci']);
    return { exitCode: exitCode ?? 0, output };
  } catch (error) {
    return { exitCode: 1, output: `${output}${String(error)}\n` };
  } finally {
    for (const stream of streams) stream.mockRestore();
    vi.unstubAllEnvs();
  }
}
