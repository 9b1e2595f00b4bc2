// Counts tests for test/run.ts: writes { passed, failed, skipped, failures } to the file named by
// CLUSTERPULSE_TEST_COUNTS, or prints the counts when run by hand. A file that did not load counts as one failure.
import { writeFileSync } from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** How many characters of an error stand beside a failure's name; the whole error stands where the test ran. */
const MAX_ERROR_CHARACTERS = 300;

const line = (name: string, errors: readonly SerializedError[]): string =>
  `${name}: ${(errors[0]?.message ?? "no error given").replaceAll(/\s+/g, " ").slice(0, MAX_ERROR_CHARACTERS)}`;

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    let passed = 0;
    let skipped = 0;
    const failures = errors.map((error) => line("outside of every test", [error]));
    for (const module of modules) {
      const before = failures.length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") passed++;
        else if (result.state === "skipped") skipped++;
        else failures.push(line(`${module.relativeModuleId} > ${test.fullName}`, result.errors ?? []));
      }
      if (module.state() === "failed" && failures.length === before) {
        failures.push(line(module.relativeModuleId, module.errors()));
      }
    }
    const counts = { passed, failed: failures.length, skipped, failures };
    const file = process.env["CLUSTERPULSE_TEST_COUNTS"];
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
    else {
      process.once("exit", () =>
        process.stdout.write(`${passed} passed, ${failures.length} failed, ${skipped} skipped\n`),
      );
    }
  }
}
