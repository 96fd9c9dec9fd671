import { defineConfig } from 'vitest/config';

/** `npm run mutants`: see CONTRIBUTING. */
export default defineConfig({ test: { include: ['test/lambda/mutants.slow.ts'] } });
