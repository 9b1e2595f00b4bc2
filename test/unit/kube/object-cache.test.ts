import { expect, test } from "vitest";
import type { KubeObject } from "../../../src/api/v1alpha1/meta.ts";
import { ObjectCache } from "../../../src/kube/object-cache.ts";

interface Item extends KubeObject {
  readonly value?: string;
}

function item(name: string, resourceVersion: string, uid = `uid-${name}`): Item {
  return { metadata: { namespace: "ns", name, resourceVersion, uid } };
}

function cacheOf(version: string, ...items: Item[]): ObjectCache<Item> {
  const cache = new ObjectCache<Item>(3);
  cache.replace({ items, resourceVersion: version });
  cache.takeChanges();
  return cache;
}

const versions = (cache: ObjectCache<Item>) =>
  [...cache.keys()].map((key) => `${key}@${cache.get(key)?.metadata.resourceVersion}`);

test("events in order are applied and move the version", () => {
  const cache = cacheOf("10", item("a", "5"));
  expect(cache.apply({ type: "MODIFIED", object: item("a", "11") })).toBe(true);
  expect(cache.apply({ type: "ADDED", object: item("b", "12") })).toBe(true);
  expect(cache.apply({ type: "DELETED", object: item("a", "13") })).toBe(true);
  expect(cache.apply({ type: "BOOKMARK", resourceVersion: "20" })).toBe(true);
  expect([cache.version, versions(cache)]).toEqual(["20", ["ns/b@12"]]);
  expect(cache.takeChanges()).toEqual([
    { key: "ns/a", object: undefined },
    { key: "ns/b", object: item("b", "12") },
  ]);
  expect(cache.takeChanges()).toEqual([]);
});

test("repetitions are harmless", () => {
  const cache = cacheOf("10", item("a", "9"));
  for (const type of ["ADDED", "MODIFIED"] as const) {
    expect(cache.apply({ type, object: item("a", "9") })).toBe(true);
    expect(cache.apply({ type, object: item("a", "7") })).toBe(true);
  }
  expect(cache.apply({ type: "DELETED", object: item("gone", "8") })).toBe(true);
  expect([versions(cache), cache.hasChanges]).toEqual([["ns/a@9"], false]);
});

test("a late event that may hide a change is not applied but reported", () => {
  const cache = cacheOf("10", item("a", "5"));
  expect(cache.apply({ type: "DELETED", object: item("a", "12") })).toBe(true);
  expect(cache.apply({ type: "MODIFIED", object: item("a", "11") })).toBe(false);
  expect(cache.apply({ type: "ADDED", object: item("b", "9") })).toBe(false);
  expect([cache.version, cache.size]).toEqual(["12", 0]);
});

test("a late deletion does not remove what was created again since", () => {
  const cache = cacheOf("20", item("a", "15", "second"));
  expect(cache.apply({ type: "DELETED", object: item("a", "12", "first") })).toBe(true);
  expect(cache.apply({ type: "DELETED", object: item("a", "17", "second") })).toBe(false);
  expect(versions(cache)).toEqual(["ns/a@15"]);
});

test("a deletion that carries the version of the removed state removes it", () => {
  const cache = cacheOf("20", item("a", "15"));
  expect(cache.apply({ type: "DELETED", object: item("a", "15") })).toBe(true);
  expect([cache.size, cache.version]).toEqual([0, "20"]);
});

test("versions are numbers, not text, and never go back but with a list", () => {
  const cache = cacheOf("99", item("a", "98"));
  expect(cache.apply({ type: "MODIFIED", object: item("a", "100") })).toBe(true);
  cache.apply({ type: "BOOKMARK", resourceVersion: "9" });
  expect([cache.version, versions(cache)]).toEqual(["100", ["ns/a@100"]]);
  cache.replace({ items: [item("a", "3")], resourceVersion: "4" });
  expect([cache.version, versions(cache)]).toEqual(["4", ["ns/a@3"]]);
});

test("opaque versions are taken in the order they come", () => {
  const cache = cacheOf("x-2", item("a", "x-1"));
  expect(cache.apply({ type: "MODIFIED", object: item("a", "x-0") })).toBe(true);
  expect([cache.version, versions(cache)]).toEqual(["x-0", ["ns/a@x-0"]]);
});

test("a list announces exactly what differs", () => {
  const cache = cacheOf("10", item("same", "1"), item("changed", "2"), item("gone", "3"));
  cache.replace({ items: [item("same", "1"), item("changed", "8"), item("new", "9")], resourceVersion: "12" });
  expect(cache.takeChanges().map(({ key, object }) => [key, object?.metadata.resourceVersion])).toEqual([
    ["ns/gone", undefined],
    ["ns/changed", "8"],
    ["ns/new", "9"],
  ]);
});

test("an object deleted and created again under its name is a change even at the same version", () => {
  const cache = cacheOf("10", item("a", "5", "first"));
  cache.replace({ items: [item("a", "5", "second")], resourceVersion: "10" });
  expect(cache.takeChanges()).toEqual([{ key: "ns/a", object: item("a", "5", "second") }]);
});

test("what comes and goes between two looks leaves nothing behind, however often", () => {
  const cache = cacheOf("10", item("kept", "5"));
  for (let i = 0; i < 10_000; i++) {
    cache.apply({ type: "ADDED", object: item(`n${i}`, String(100 + 2 * i)) });
    cache.apply({ type: "DELETED", object: item(`n${i}`, String(101 + 2 * i)) });
  }
  expect([cache.hasChanges, cache.takeChanges()]).toEqual([false, []]);
});

test("the limit holds for lists and events, and nothing is forgotten at it", () => {
  const three = [item("a", "1"), item("b", "2"), item("c", "3")];
  const cache = cacheOf("10", ...three);
  expect(() => cache.apply({ type: "ADDED", object: item("d", "11") })).toThrow("more than 3 objects");
  expect(() => cache.replace({ items: [...three, item("d", "11")], resourceVersion: "11" })).toThrow(
    "more than 3 objects",
  );
  expect([cache.size, cache.version, cache.hasChanges]).toEqual([3, "10", false]);
  expect(cache.apply({ type: "MODIFIED", object: item("c", "12") })).toBe(true);
});
