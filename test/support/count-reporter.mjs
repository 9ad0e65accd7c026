// Writes what became of each test to the file that TEST_REPORT names, for
// test/run.mjs. A test skipped without a reason is a failure: use
// `context.skip(condition, 'reason')` or `context.skip('reason')`.
import { writeFileSync } from 'node:fs';

export default class CountReporter {
  #filtered = false;

  onInit(vitest) {
    // Tests left out by a person's own choice need no reason.
    this.#filtered = Boolean(vitest.config.testNamePattern);
  }

  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: [], skipped: [] };
    for (const module of modules) {
      const file = module.relativeModuleId;
      if (module.errors().length > 0) counts.failed.push(file);
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) counts.failed.push(`${file} > ${suite.fullName}`);
      }
      for (const test of module.children.allTests()) {
        this.#count(test, `${file} > ${test.fullName}`, counts);
      }
    }
    for (const error of unhandledErrors) {
      counts.failed.push(`outside of any test: ${error.message ?? String(error)}`);
    }
    writeFileSync(process.env.TEST_REPORT, JSON.stringify(counts));
  }

  #count(test, name, counts) {
    const { state, note } = test.result();
    if (state === 'passed') counts.passed += 1;
    else if (state !== 'skipped') counts.failed.push(name);
    else if (note !== undefined) counts.skipped.push({ name, reason: note });
    else if (!this.#filtered) counts.failed.push(`${name} (skipped without a reason)`);
  }
}
