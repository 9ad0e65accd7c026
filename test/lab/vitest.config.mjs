import { defineConfig } from 'vitest/config';

/** In the lab's machine: `npm run lab`. */
export default defineConfig({
  test: {
    include: ['test/lab/**/*.test.ts'],
    // There is one kernel, whose interfaces and devices all files share.
    fileParallelism: false,
    // Its processor may be emulated.
    env: { TEST_PATIENCE: '6' },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 15_000,
  },
});
