// A temporary folder of its own for each file of end-to-end tests and what it starts: what they leave behind can be seen, and fleets that
// somebody else runs on the machine cannot.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

// Compiled sources stay where everybody finds them: starts would be slow without.
process.env["NODE_COMPILE_CACHE"] ??= join(tmpdir(), "node-compile-cache");
const folder = mkdtempSync(join(tmpdir(), "clusterpulse-e2e-"));
process.env["TMPDIR"] = folder;
// After everything that the file itself does at its end.
afterAll(() => rmSync(folder, { recursive: true, force: true }));
