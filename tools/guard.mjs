// Runs before any TypeScript is loaded: one clear line instead of ERR_UNKNOWN_FILE_EXTENSION on an older Node.js,
// and the compile cache, which makes sources start as quickly as a build.
import { readFileSync } from "node:fs";
import module from "node:module";

const { version: wanted } = JSON.parse(readFileSync(new URL("./node/package.json", import.meta.url), "utf8"));
const major = Number.parseInt(process.versions.node, 10);
if (major < Number.parseInt(wanted, 10)) {
  process.stderr.write(
    `ClusterPulse Hub runs on Node.js ${wanted}; this is ${process.versions.node}. Run "npm ci" once, then start it with "npm start", "npm test" or "npm run -s clusterpulse -- <command>": these use the pinned runtime.\n`,
  );
  process.exit(1);
}
module.enableCompileCache?.();
