import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The examples import the package by its name.
  resolve: { alias: { 'cdk-iam-virtual-mfa': fileURLToPath(new URL('lib', import.meta.url)) } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build-bundles.ts'],
    // Far above what anything takes on a busy machine: only what never ends reaches these limits.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 60_000 } },
    // CDK's validation of templates takes seconds; best-practice.test.ts does it, once for each kind of stack.
    env: { CDK_VALIDATION: 'false' },
    // One more than the cores of the smallest machine we think of: tests that run the CDK CLI mostly wait for it to ask again.
    maxWorkers: 3,
  },
});
