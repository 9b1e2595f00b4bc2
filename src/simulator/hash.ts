// Content without chance: everything a simulated world shows is a hash of where it stands. Same numbers in, same bytes out.
import { mix32 } from "../support/random.ts";

/** Folds integers into 32 bits; the order matters. */
export function hashOf(first: number, ...rest: readonly number[]): number {
  let hash = mix32(first + 0x9e3779b9);
  for (const value of rest) hash = mix32(Math.imul(hash, 31) + value + 0x9e3779b9);
  return hash;
}

/** The element that `hash` points at. */
export function pick<T>(from: readonly T[], hash: number): T {
  return from[hash % from.length] as T;
}

/** Eight lower-case hexadecimal digits. */
export const hex8 = (hash: number): string => (hash + 0x1_0000_0000).toString(16).slice(1);

/** A version 4 UUID made of the hash. */
export function uuidOf(hash: number): string {
  const [a, b, c] = [hex8(mix32(hash + 1)), hex8(mix32(hash + 2)), hex8(mix32(hash + 3))];
  return `${hex8(hash)}-${a.slice(0, 4)}-4${a.slice(5)}-a${b.slice(1, 4)}-${b.slice(4)}${c}`;
}
