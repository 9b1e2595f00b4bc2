// What the API server says it is. Pure.
import { bodyMalformed, readObject } from "./body.ts";
import type { ComputeTasks, VersionInfo } from "./ports.ts";

/** Versions and platforms are a few words; more is not one. */
const MAX_TEXT = 256;

/** Reads the answer of /version. */
export function readVersion(input: ComputeTasks["readVersion"]["input"], maxInflatedBytes: number): VersionInfo {
  const { gitVersion, platform } = readObject(input.body, maxInflatedBytes);
  if (!isShortText(gitVersion) || gitVersion === "") throw bodyMalformed("a version");
  return { gitVersion, platform: isShortText(platform) ? platform : "" };
}

function isShortText(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_TEXT && value.isWellFormed();
}
