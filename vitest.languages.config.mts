import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** `npm run test:languages`: see CONTRIBUTING. */
export default defineConfig({
  // The example in TypeScript imports the package by its name.
  resolve: { alias: { 'cdk-iam-virtual-mfa': fileURLToPath(new URL('lib', import.meta.url)) } },
  test: {
    include: ['test/languages/*.slow.ts'],
    // Far above what anything takes on a busy machine: only what never ends reaches these limits.
    testTimeout: 1_200_000,
    hookTimeout: 1_200_000,
    env: { CDK_VALIDATION: 'false' },
    maxWorkers: 3,
    reporters: ['verbose'],
  },
});
