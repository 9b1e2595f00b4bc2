// Checks that every import points downwards (see .dependency-cruiser.mjs), for this tree or for another root given as the
// first argument. A parser that silently sees nothing would pass everything: so seeing fewer modules than there are files fails too.
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("..", import.meta.url));

interface Cruise {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

/** The violations found in the tree below `root`, one line each; empty when the tree is layered. */
export function checkLayers(root: string): string[] {
  const rooms = ["src", "actors", "workers"].filter((room) => existsSync(`${root}/${room}`));
  const files = globSync(
    rooms.map((room) => `${room}/**/*.{ts,tsx}`),
    { cwd: root, exclude: (name) => name === "dist" || name === "node_modules" },
  );
  const cruise = spawnSync(
    process.execPath,
    [
      `${repository}/node_modules/dependency-cruiser/bin/dependency-cruiser.mjs`,
      ...[
        "--config",
        `${repository}/.dependency-cruiser.mjs`,
        "--output-type",
        "json",
        "--exclude",
        "(^|/)dist/",
        ...rooms,
      ],
    ],
    { cwd: root, encoding: "utf8", maxBuffer: 256 * 1024 * 1024 },
  );
  if (cruise.stdout === "") return [`the layer check did not run: ${cruise.stderr.slice(0, 500)}`];
  const result = JSON.parse(cruise.stdout) as Cruise;
  const seen = new Set(result.modules.map((module) => module.source));
  const unseen = files.filter((file) => !seen.has(file));
  return [
    ...result.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`),
    ...(files.length === 0 ? ["the layer check found no files"] : []),
    ...unseen.map((file) => `the layer check did not see ${file}`),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const violations = checkLayers(process.argv[2] ?? repository);
  for (const violation of violations) process.stdout.write(`${violation}\n`);
  process.stdout.write(
    violations.length === 0 ? "every import points downwards\n" : `${violations.length} violations\n`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}
