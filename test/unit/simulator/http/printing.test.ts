// What tables are made of: ages and the JSON paths of columns.
import { describe, expect, it } from "vitest";
import { ageOf, humanDuration } from "../../../../src/simulator/http/durations.ts";
import { findAll, parseJsonPath } from "../../../../src/simulator/http/json-path.ts";

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];

describe("ages", () => {
  it.each([
    [0, "0s"],
    [119 * second, "119s"],
    [2 * minute, "2m"],
    [9 * minute + 5 * second, "9m5s"],
    [15 * minute + 5 * second, "15m"],
    [179 * minute, "179m"],
    [3 * hour + 5 * minute, "3h5m"],
    [8 * hour + 5 * minute, "8h"],
    [47 * hour, "47h"],
    [2 * day + 3 * hour, "2d3h"],
    [8 * day + 3 * hour, "8d"],
    [730 * day, "2y"],
    [800 * day, "2y70d"],
    [3_000 * day, "8y"],
    [-5 * second, "<invalid>"],
  ])("%d ms read %s", (ms, text) => {
    expect(humanDuration(ms)).toBe(text);
  });

  it("are unknown without a moment and invalid with a bad one", () => {
    expect(ageOf(undefined, 0)).toBe("<unknown>");
    expect(ageOf("soon", 0)).toBe("<invalid>");
    expect(ageOf("1970-01-01T00:00:00Z", 5_000)).toBe("5s");
  });
});

describe("JSON paths", () => {
  const object = {
    list: [
      { type: "Ready", status: "True" },
      { type: "Other", status: "False" },
    ],
    "a.b": { c: 1 },
  };
  it.each([
    ['.list[?(@.type=="Ready")].status', ["True"]],
    [".list[0].type", ["Ready"]],
    [".list[-1].type", ["Other"]],
    [".list[*].type", ["Ready", "Other"]],
    [".a\\.b.c", [1]],
    ["['a.b'].c", [1]],
    ["{.list[5].type}", []],
    [".constructor", []],
  ])("%s", (path, expected) => {
    expect(findAll(object, parseJsonPath(path) ?? [])).toEqual(expected);
  });

  it("that are not understood are none", () => {
    expect(parseJsonPath(".a[?(@.b > 3)]")).toBeUndefined();
    expect(parseJsonPath(".a[")).toBeUndefined();
  });
});
