import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, the longest first; every other file takes less. */
const LONGEST = [
  'test/lambda/fault-matrix',
  'test/lib/package',
  'test/e2e/runbook',
  'test/lambda/rotation-crash',
  'local-aws/test/aws-cli',
  'test/lambda/crash',
  'test/lambda/schedules',
  'test/lib/role-limits',
  'test/lambda/walk',
  'test/e2e/demo',
  'test/e2e/watch',
  'test/bin/app',
  'test/e2e/teardown',
  'test/e2e/pipeline',
  'test/scripts/integ/probes',
  'test/e2e/throttling',
  'test/e2e/cdk-cli',
  'test/lib/best-practice',
  'test/readme',
  'test/e2e/rare-cases',
  'test/lambda/rotation-faults',
  'local-aws/test/lambda/lambda-service',
  'test/bin/mfa-users-stacks',
  'local-aws/test/conformance',
];

/** Starts long files first, so that none of them is left for the end. By itself vitest learns of them from earlier runs: a fresh clone has none. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.sort((one, other) => placeOf(one) - placeOf(other));
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return place < 0 ? LONGEST.length : place;
}

export default defineConfig({
  // The examples import the package by its name.
  resolve: { alias: { 'cdk-iam-virtual-mfa': fileURLToPath(new URL('lib', import.meta.url)) } },
  test: {
    include: ['test/**/*.test.ts', 'local-aws/test/**/*.test.ts'],
    globalSetup: ['test/temporary-folder.ts', 'test/build-bundles.ts', 'test/handler-policies.ts'],
    // Far above what anything takes on a busy machine: only what never ends reaches these limits.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 60_000 } },
    // CDK's validation of templates takes seconds; best-practice.test.ts does it, once for each kind of stack.
    env: { CDK_VALIDATION: 'false' },
    // To load aws-cdk-lib and the SDK takes more than most files need: the files of a worker share them. Each puts back what it changes.
    isolate: false,
    // More than the cores of the smallest machine we think of, for some tests wait. Each loads aws-cdk-lib anew, which takes seconds.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
  },
});
