// `e2e [NAME]`: the end-to-end tests of that name, with every client found on the machine and not only the oldest and the newest.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { Flags } from "../../src/cli/options.ts";
import { runProgram } from "../../src/cli/program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

const program = new Command("npm run -s e2e --")
  .description("run the end-to-end tests with every client found on the machine, not only the oldest and the newest")
  .argument("[names...]", "how files of test/e2e begin, such as kubectl; without one, all of them")
  .allowUnknownOption(true)
  .action((names: readonly string[], _options, command: Command) => {
    new Flags(command, Number.POSITIVE_INFINITY).end();
    const filters = names.map((name) => `test/e2e/${name}`);
    const child = spawn(`${root}/node_modules/.bin/vitest`, ["run", "--project", "e2e", ...filters], {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, CLUSTERPULSE_KUBECTL: "all" },
    });
    child.once("close", (code) => {
      process.exitCode = code ?? 1;
    });
  });

await runProgram(program, "e2e");
