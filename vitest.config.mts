import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build-handler.ts'],
    testTimeout: 30_000,
    // One worker for each of two cores; by itself vitest would leave one of them idle.
    maxWorkers: 2,
  },
});
