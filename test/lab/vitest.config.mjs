import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** In the lab's machine: `npm run lab`. */
export default defineConfig({
  // What vm/bundle.mjs has made of the files of this folder.
  root: fileURLToPath(import.meta.resolve('../../build/lab')),
  test: {
    include: ['test/lab/**/*.test.mjs'],
    // There is one kernel, whose interfaces and devices all files share.
    fileParallelism: false,
    // Each file has modules of its own, and a process for each takes longer than some of them.
    isolate: false,
    experimental: { viteModuleRunner: false, nodeLoader: false, preParse: false },
    // As long as a test takes on a slow machine whose processor is emulated.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 30_000,
  },
});
