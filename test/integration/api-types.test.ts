// The generated types must follow from the definitions, and the check that says so must be able to fail.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const gen = "src/api/v1alpha1/gen";
const definition = "config/crd/clusterpulse.io_clusterconnections.yaml";
const copies: string[] = [];

function copy(): string {
  const root = mkdtempSync(join(tmpdir(), "clusterpulse-api-"));
  copies.push(root);
  for (const folder of ["config/crd", gen]) cpSync(join(repository, folder), join(root, folder), { recursive: true });
  return root;
}

function edit(root: string, file: string, from: string, to: string): void {
  const text = readFileSync(join(root, file), "utf8");
  expect(text).toContain(from);
  writeFileSync(join(root, file), text.replace(from, to));
}

function generateApi(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["tools/generate-api.ts", ...args], {
    cwd: repository,
    encoding: "utf8",
  });
  return { status, output: stdout + stderr };
}

afterEach(() => {
  for (const root of copies.splice(0)) rmSync(root, { recursive: true, force: true });
});

test("the generated types of this tree follow from its definitions", () => {
  expect(generateApi("--check")).toEqual({ status: 0, output: "the generated types follow from the definitions\n" });
});

test("the check names a generated file that was edited, one that is missing, and one that comes from nowhere; generating mends all", () => {
  const root = copy();
  edit(root, `${gen}/metric-source.ts`, "readonly kind: string;", "readonly kind?: string;");
  rmSync(join(root, gen, "registry-connection.ts"));
  writeFileSync(join(root, gen, "left-over.ts"), "");
  const { status, output } = generateApi("--check", root);
  expect(status).toBe(1);
  expect(output.split("\n").slice(0, 3)).toEqual([
    `${gen}/metric-source.ts does not follow from config/crd`,
    `${gen}/registry-connection.ts does not follow from config/crd`,
    `${gen}/left-over.ts comes from no definition`,
  ]);
  expect(generateApi(root).status).toBe(0);
  expect(generateApi("--check", root).status).toBe(0);
});

test("a changed definition is drift, and checking writes nothing", () => {
  const root = copy();
  const before = readFileSync(join(root, gen, "cluster-connection.ts"), "utf8");
  edit(root, definition, "- push\n", "- push\n                    - both\n");
  expect(generateApi("--check", root).status).toBe(1);
  expect(readFileSync(join(root, gen, "cluster-connection.ts"), "utf8")).toBe(before);
  expect(generateApi(root).status).toBe(0);
  expect(readFileSync(join(root, gen, "cluster-connection.ts"), "utf8")).toContain('"pull" | "push" | "both"');
});

test.each([
  [
    "default: pull",
    "nullable: true",
    "ClusterConnection.spec.collectionMode: nullable is not supported for type string",
  ],
  ["format: int32", "format: float", "ClusterConnection.spec.monitoring.interval: format float is not supported"],
  ["type: boolean", "type: number", "ClusterConnection.status.collectorStatus.connected: type number is not supported"],
])("a rule that the reader would ignore stops the generator: %s -> %s", (from, to, message) => {
  const root = copy();
  edit(root, definition, from, to);
  const { status, output } = generateApi(root);
  expect(status).toBe(1);
  expect(output).toContain(message);
});

const kubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;
const required = process.env["CLUSTERPULSE_REQUIRE_SERVICES"] === "1";

test.skipIf(!kubectl && !required)("kubectl builds the four definitions", () => {
  const built = execFileSync("kubectl", ["kustomize", join(repository, "config/crd")], { encoding: "utf8" });
  expect(built.match(/^kind: CustomResourceDefinition$/gm)).toHaveLength(4);
});
