import { defineConfig } from "vitest/config";

// Three projects: pure tests share threads and one context; whatever owns servers, children or real time gets a process of its own.
const shared = {
  include: [] as string[],
  passWithNoTests: false,
  environment: "node" as const,
  // What is waited for comes in milliseconds; how long a busy machine takes for it says nothing.
  expect: { poll: { timeout: 10_000 } },
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          pool: "threads",
          isolate: false,
          // Ends what hangs; says nothing of speed, which depends on who else uses the machine.
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          ...shared,
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          pool: "forks",
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...shared,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          setupFiles: ["./test/support/own-temporary-folder.ts"],
          pool: "forks",
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
    setupFiles: ["./test/support/setup.ts"],
    reporters: ["default", "./test/support/count-reporter.ts"],
  },
});
