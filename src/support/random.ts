// Seeded randomness and stable hashes. Nothing in the hub calls Math.random: a failing test prints its seed and is replayed.

/** A source of numbers in [0, 1). */
export type Random = () => number;

/** FNV-1a, 32 bits, of the text's UTF-16 code units: stable across runs and machines. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix32(hash >>> 0);
}

/** The finaliser of MurmurHash3: spreads neighbouring integers over all 32 bits. */
export function mix32(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** SplitMix-style generator: the same seed gives the same numbers on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix32(state) / 0x1_0000_0000;
  };
}
