import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // These need the lab's kernel: `npm run lab`.
    exclude: ['test/lab/**'],
    // Real ports, sockets and servers: a test may wait for a machine under load.
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // A listener or child that a test forgot must be seen, not outlived.
    teardownTimeout: 5_000,
  },
});
