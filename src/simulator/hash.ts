// Content without chance: everything a simulated world shows is a hash of where it stands. Same numbers in, same bytes out.
import { mix32 } from "../support/random.ts";

const step = 0x9e3779b9;

/** Folds two to four integers into 32 bits; the order matters. Fixed parameters: this is the innermost loop of every list. */
export function hashOf(first: number, second: number, third?: number, fourth?: number): number {
  let hash = mix32(Math.imul(mix32(first + step), 31) + second + step);
  if (third !== undefined) hash = mix32(Math.imul(hash, 31) + third + step);
  if (fourth !== undefined) hash = mix32(Math.imul(hash, 31) + fourth + step);
  return hash;
}

/** The element that `hash` points at. */
export function pick<T>(from: readonly T[], hash: number): T {
  return from[hash % from.length] as T;
}

// toString(16) of a number beyond 2^30 takes V8's slow path, ten times the cost of four look-ups.
const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const hex2 = (byte: number): string => hexOfByte[byte & 0xff] as string;

/** Eight lower-case hexadecimal digits. */
export const hex8 = (hash: number): string => hex2(hash >>> 24) + hex2(hash >>> 16) + hex2(hash >>> 8) + hex2(hash);

/** A version 4 UUID made of the hash. */
export function uuidOf(hash: number): string {
  const a = mix32(hash + 1);
  const b = mix32(hash + 2);
  const middle = `${hex2(a >>> 24)}${hex2(a >>> 16)}-4${hex2(a).slice(1)}${hex2(a >>> 8)}-a${hex2(b).slice(1)}${hex2(b >>> 8)}`;
  return `${hex8(hash)}-${middle}-${hex2(b >>> 24)}${hex2(b >>> 16)}${hex8(mix32(hash + 3))}`;
}
