// Counts tests for test/run.ts: writes { passed, failed, skipped } to the file named by CLUSTERPULSE_TEST_COUNTS,
// or prints the counts when run by hand. A file that did not load counts as one failure.
import { writeFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    for (const module of modules) {
      let own = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed++;
        else if (state === "skipped") skipped++;
        else own++;
      }
      failed += module.state() === "failed" && own === 0 ? 1 : own;
    }
    const file = process.env["CLUSTERPULSE_TEST_COUNTS"];
    if (file !== undefined) writeFileSync(file, JSON.stringify({ passed, failed, skipped }));
    else process.once("exit", () => process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`));
  }
}
