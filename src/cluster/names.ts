// Names of the items of any list, asked for in full or as PartialObjectMetadataList. Pure.
import { listShape, nameOf, readList } from "./body.ts";
import type { ComputeTasks, NameList } from "./ports.ts";

// All lists look alike this far in, whatever their items are.
const anyList = listShape(undefined, "meta/v1.PartialObjectMetadataList", ["metadata.name"]);

/** Reads one page. Items without a usable name are counted in `skipped`. */
export function listNames(input: ComputeTasks["listNames"]["input"], maxInflatedBytes: number): NameList {
  const page = readList(input.body, maxInflatedBytes, anyList);
  const names = page.items.map(nameOf).filter((name) => name !== undefined);
  return {
    continueToken: page.continueToken,
    remainingItemCount: page.remainingItemCount,
    skipped: page.items.length - names.length,
    names,
  };
}
