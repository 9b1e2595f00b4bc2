// Patterns of users, in RE2 syntax: linear time whatever the pattern, no look-around, no back references. Compiled patterns are kept,
// a bounded number of them.
import { LRUCache } from "lru-cache";
import { RE2JS } from "re2js";

/** Characters of a pattern. */
export const maxPatternLength = 1024;

export type CompiledPattern =
  | { readonly ok: true; readonly test: (text: string) => boolean }
  | { readonly ok: false; readonly message: string };

const cache = new LRUCache<string, CompiledPattern>({ max: 256 });

/** A test for texts that contain what the pattern describes, or what is wrong with the pattern. Never throws. */
export function compilePattern(pattern: string): CompiledPattern {
  if (pattern.length > maxPatternLength) {
    return {
      ok: false,
      message: `must have at most ${maxPatternLength} characters, not ${pattern.length}`,
    };
  }
  let compiled = cache.get(pattern);
  if (compiled === undefined) {
    compiled = compile(pattern);
    cache.set(pattern, compiled);
  }
  return compiled;
}

function compile(pattern: string): CompiledPattern {
  try {
    const regex = RE2JS.compile(pattern);
    return { ok: true, test: (text) => regex.test(text) };
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, "").slice(0, 200) : "";
    return {
      ok: false,
      message: `must be a pattern in RE2 syntax, which has no look-around and no back references: ${reason}`,
    };
  }
}
