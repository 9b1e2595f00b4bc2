// Which API groups a server has. Pure.
import { asArray, asObject, bodyMalformed, isName, readObject } from "./body.ts";
import type { ComputeTasks } from "./ports.ts";

/** Reads the answer of /apis. */
export function readApiGroups(
  input: ComputeTasks["readApiGroups"]["input"],
  maxInflatedBytes: number,
): readonly string[] {
  const list = readObject(input.body, maxInflatedBytes);
  if (list["kind"] !== "APIGroupList") throw bodyMalformed("an APIGroupList");
  return asArray(list["groups"])
    .map((group) => asObject(group)?.["name"])
    .filter(isName);
}
