// How many states are kept, under which names, and one after the other.
import { describe, expect, test } from "vitest";
import { maxSnapshots, Snapshots } from "../../../src/simulator/snapshots.ts";
import { InvalidInputError } from "../../../src/support/errors.ts";

function subject(maxObjects?: number) {
  const restored: number[] = [];
  let objects = 1;
  const source = {
    capture: () => ({ objects }),
    restore: async ({ objects: size }: { objects: number }) => {
      if (size === 13) throw new Error("cannot be put back");
      restored.push(size);
    },
  };
  const grow = (to: number): void => {
    objects = to;
  };
  return { snapshots: new Snapshots(source, maxObjects), restored, grow };
}

describe("snapshots", () => {
  test("are kept under names, the newest of a name alone", async () => {
    const { snapshots, restored, grow } = subject();
    expect(snapshots.take("a")).toEqual({ name: "a", objects: 1 });
    grow(5);
    snapshots.take("b.2");
    grow(7);
    snapshots.take("a");
    expect(snapshots.list()).toEqual([
      { name: "a", objects: 7 },
      { name: "b.2", objects: 5 },
    ]);
    await Promise.all([snapshots.restore("b.2"), snapshots.restore("a"), snapshots.restore("b.2")]);
    expect(restored).toEqual([5, 7, 5]);
  });

  test("are so many at most", () => {
    const { snapshots } = subject();
    for (let i = 0; i < maxSnapshots; i++) snapshots.take(`s${i}`);
    expect(() => snapshots.take("one-more")).toThrow(expect.objectContaining({ code: "SNAPSHOT_TOO_LARGE" }));
    snapshots.take("s0");
    expect(snapshots.list()).toHaveLength(maxSnapshots);
  });

  test("hold so much at most, all together, and what is refused takes no one's place", () => {
    const { snapshots, grow } = subject(10);
    grow(6);
    snapshots.take("a");
    grow(4);
    snapshots.take("b");
    grow(5);
    expect(() => snapshots.take("b")).toThrow("all snapshots together would hold 11 objects, and may hold 10");
    expect(snapshots.list()).toEqual([
      { name: "a", objects: 6 },
      { name: "b", objects: 4 },
    ]);
    snapshots.take("a");
    grow(6);
    expect(() => snapshots.take("c")).toThrow(expect.objectContaining({ code: "SNAPSHOT_TOO_LARGE" }));
  });

  test("that are not there, or cannot be put back, are said to be so, and hold up no other", async () => {
    const { snapshots, restored, grow } = subject();
    snapshots.take("a");
    grow(13);
    snapshots.take("unlucky");
    const [unknown, failed, good] = await Promise.allSettled(
      ["x", "unlucky", "a"].map((name) => snapshots.restore(name)),
    );
    expect(unknown).toMatchObject({ reason: { code: "SNAPSHOT_UNKNOWN" } });
    expect(failed).toMatchObject({ reason: { message: "cannot be put back" } });
    expect([good?.status, restored]).toEqual(["fulfilled", [1]]);
  });

  test.each(["", "a b", "-a", "x".repeat(64), 3])("cannot be called %j", (name) => {
    expect(() => subject().snapshots.take(name as string)).toThrow(InvalidInputError);
  });
});
