import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filterNodes, joinRows, tagOf } from "../../../src/server/rows.ts";
import type { ViewRow } from "../../../src/view/ports.ts";

const row = (name: string, revision: number, value: object = { name }): ViewRow => ({
  name,
  revision,
  bytes: Buffer.from(JSON.stringify(value)),
});

describe("joined rows", () => {
  it("are one JSON array", () => {
    expect(joinRows([]).toString()).toBe("[]");
    expect(joinRows([row("a", 1)]).toString()).toBe('[{"name":"a"}]');
    expect(joinRows([row("a", 1), row("b", 2)]).toString()).toBe('[{"name":"a"},{"name":"b"}]');
  });

  it("are joined once per array", () => {
    const rows = [row("a", 1)];
    expect(joinRows(rows)).toBe(joinRows(rows));
    expect(joinRows([...rows])).not.toBe(joinRows(rows));
  });
});

describe("the entity tag", () => {
  it("tells every state of a list from every other, whatever is put, filtered or removed", () => {
    const step = fc.record({ name: fc.constantFrom("a", "b", "c"), action: fc.constantFrom("put", "hide", "remove") });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let revision = 0;
        const rows = new Map<string, { row: ViewRow; visible: boolean }>();
        const seen = new Map<string, string>();
        for (const { name, action } of steps) {
          if (action === "remove") rows.delete(name);
          else rows.set(name, { row: row(name, ++revision), visible: action === "put" });
          const shown = [...rows.values()].filter((each) => each.visible).map((each) => each.row);
          const state = shown
            .map((each) => `${each.name}${each.revision}`)
            .sort()
            .join();
          expect(seen.get(tagOf(shown)) ?? state).toBe(state);
          seen.set(tagOf(shown), state);
        }
      }),
    );
  });
});

describe("filtered nodes", () => {
  const nodes = [
    row("a", 1, { status: "Ready", roles: ["worker", "infra"] }),
    row("b", 2, { status: "NotReady", roles: ["worker"] }),
    row("c", 3, { status: "Ready", roles: ["control-plane"] }),
    row("d", 4, {}),
  ];
  const names = (role?: string, status?: string) => filterNodes(nodes, { role, status }).map((node) => node.name);

  it("are those of exactly the role and the status", () => {
    expect(names()).toEqual(["a", "b", "c", "d"]);
    expect(names("worker")).toEqual(["a", "b"]);
    expect(names("work")).toEqual([]);
    expect(names(undefined, "Ready")).toEqual(["a", "c"]);
    expect(names(undefined, "ready")).toEqual([]);
    expect(names("worker", "NotReady")).toEqual(["b"]);
    expect(names("")).toEqual([]);
  });
});
