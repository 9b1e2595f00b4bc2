// `e2e [NAME]`: the end-to-end tests of that name, with every client found on the machine and not only the oldest and the newest.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const filters = process.argv.slice(2).map((name) => `test/e2e/${name}`);
const child = spawn(`${root}/node_modules/.bin/vitest`, ["run", "--project", "e2e", ...filters], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, CLUSTERPULSE_KUBECTL: "all" },
});
child.once("close", (code) => {
  process.exitCode = code ?? 1;
});
