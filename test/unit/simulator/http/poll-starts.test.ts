import { expect, it } from "vitest";
import { pollStarts } from "../../../../src/simulator/http/poll-starts.ts";

const pods = ["/api/v1/pods?limit=500", "/api/v1/pods?limit=500&continue=abc"];
const rest = ["/api/v1/nodes?limit=500", "/api/v1/namespaces?limit=500", "/apis/apps/v1/deployments?limit=1"];
const told = (asked: readonly string[]): readonly number[] => {
  const startOf = pollStarts();
  return asked.flatMap((path, i) => startOf(path, i) ?? []);
};

it("a poll begins with the version or, where that is known, with the pods, and is told once", () => {
  expect(told(["/version", ...pods, ...rest, ...pods, ...rest, "/version", "/version", ...pods, ...rest])).toEqual([
    0, 6, 11, 12,
  ]);
});

it("pods and nodes that are asked for alone are no poll", () => {
  expect(told([...pods, "/version", ...pods, ...rest, ...pods, ...pods, ...rest, "/api/v1/nodes?limit=500"])).toEqual([
    2, 10,
  ]);
});
