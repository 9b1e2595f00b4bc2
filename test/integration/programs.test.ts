// What is typed wrongly is told in a line for each mistake, and help is an answer: for every program of the repository.
import { describe, expect, test } from "vitest";
import { runCommand } from "../support/processes.ts";

describe("a program of the repository", () => {
  test.each([
    ["chaos", "test/chaos/main.ts"],
    ["soak", "test/chaos/soak.ts"],
    ["bench", "test/bench/main.ts"],
    ["conformance", "test/conformance/main.ts"],
    ["oracle", "test/oracle/main.ts"],
    ["e2e", "test/e2e/main.ts"],
    ["clusterpulse", "src/cli/main.ts"],
  ])(
    "%s names a flag that it does not know, without a stack trace, and ends with exit code 2",
    async (name, program) => {
      const words = { bench: ["fold"], clusterpulse: ["load"] }[name] ?? [];
      const { code, errors, output } = await runCommand({ program }, ...words, "--bogus");
      expect({ code, output }).toEqual({ code: 2, output: "" });
      expect(errors).toContain(`${name}: unknown flag --bogus\n`);
      for (const line of errors.trimEnd().split("\n")) expect(line).toMatch(new RegExp(`^${name}: `));
    },
  );

  test("tells how it is used when it is asked, and that is no failure", async () => {
    const { code, errors, output } = await runCommand({ program: "test/chaos/main.ts" }, "--help");
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output).toMatch(/^Usage: npm run -s chaos -- [\s\S]*--without[\s\S]*E-01/);
  });

  test.each([
    [["load", "--seed"], "option '--seed <n>' argument missing; --help tells what there is"],
    [["simulat"], "unknown command 'simulat' (Did you mean simulate?); --help tells what there is"],
  ])("%j: says what it lacks", async (words, told) => {
    expect(await runCommand(...words)).toEqual({ code: 2, output: "", errors: `clusterpulse: ${told}\n` });
  });
});
