// metricsource check on files that are wrong on purpose: every mistake is named where it stands, with what would be right.
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { checkFiles, checkText } from "../../../src/cli/metricsource-check.ts";

const folder = new URL("../../fixtures/metricsource-broken/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

it("has broken files of many kinds", () => {
  expect(files.length).toBeGreaterThanOrEqual(14);
});

it.each(files)("says what a user needs to repair %s", (file) => {
  const lines: string[] = [];
  const path = new URL(file, folder).pathname;
  const isRight = checkFiles([path], (line) => void lines.push(line.replace(path, file)));
  expect(isRight).toBe(false);
  const expected = readFileSync(new URL(file.replace(".yaml", ".txt"), folder), "utf8");
  expect(`${lines.join("\n")}\n`).toBe(expected);
});

it("finds nothing wrong with a MetricSource that is right, and passes over other kinds", () => {
  const source = `kind: ConfigMap\n---\napiVersion: clusterpulse.io/v1alpha1\nkind: MetricSource\nmetadata: { name: a }\nspec:
  source: { apiVersion: v1, kind: Pod }\n  fields: [{ name: phase, path: .status.phase }]\n`;
  expect(checkText(source)).toEqual([]);
});

it("says how the objects of each that is right are read, and why not as protobuf", () => {
  const source = (name: string, path: string): string =>
    `---\napiVersion: clusterpulse.io/v1alpha1\nkind: MetricSource\nmetadata: { name: ${name} }\nspec:
  source: { apiVersion: v1, kind: Pod }\n  fields: [{ name: value, path: ${path} }]\n`;
  const notes: string[] = [];
  checkText(source("fast", ".status.phase") + source("whole", ".spec"), (note) => void notes.push(note));
  expect(notes).toEqual([
    "fast is read as protobuf where the cluster has it",
    "whole is read as JSON: .spec: leads to a whole object, which only JSON shows in full",
  ]);
});

it("says that a file holds no MetricSource", () => {
  expect(checkText("kind: Pod\n")).toEqual([
    expect.objectContaining({ message: "the file holds no object of kind MetricSource" }),
  ]);
});

it("stops at aliases that multiply", () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nkind: MetricSource\n`;
  expect(checkText(bomb)).toEqual([expect.objectContaining({ message: "the document has too many aliases" })]);
});

it("says that a file does not exist", () => {
  const lines: string[] = [];
  expect(checkFiles(["nowhere.yaml"], (line) => void lines.push(line))).toBe(false);
  expect(lines).toEqual(["nowhere.yaml:1:1: there is no such file"]);
});
