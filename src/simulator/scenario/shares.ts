// Which clusters of a fleet get which fault: `blackhole=20%,slowbody=5%,hang=3`. The same seed and names give the same choice.
import { InvalidInputError } from "../../support/errors.ts";
import { hash32 } from "../../support/random.ts";

export interface FaultShare {
  readonly fault: string;
  /** How many clusters, or which part of the fleet (0 to 1). */
  readonly amount: { readonly kind: "count" | "share"; readonly value: number };
}

/** Reads the flag. Throws InvalidInputError that lists everything wrong. */
export function parseFaultShares(text: string, known: readonly string[]): FaultShare[] {
  const problems: string[] = [];
  const shares: FaultShare[] = [];
  for (const part of text.split(",").filter((piece) => piece.trim() !== "")) {
    const [, fault = "", digits = "", percent = ""] = /^\s*(\w+)=(\d{1,6})(%?)\s*$/.exec(part) ?? [];
    const value = Number(digits);
    if (fault === "") problems.push(`--faults: ${JSON.stringify(part)} must be like blackhole=20% or hang=3`);
    else if (!known.includes(fault)) problems.push(`--faults: ${fault} must be one of ${known.join(", ")}`);
    else if (shares.some((share) => share.fault === fault)) problems.push(`--faults: ${fault} stands there twice`);
    else if (percent === "%" && value > 100) problems.push(`--faults: ${fault} must be at most 100%`);
    else
      shares.push({
        fault,
        amount: percent === "%" ? { kind: "share", value: value / 100 } : { kind: "count", value },
      });
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
  return shares;
}

/** A cluster gets at most one fault. Throws InvalidInputError when there are fewer clusters than faults. */
export function chooseBroken(
  names: readonly string[],
  shares: readonly FaultShare[],
  seed: number,
): Map<string, string> {
  const order = names.map((name) => ({ name, key: hash32(`${seed}/${name}`) })).sort((a, b) => a.key - b.key);
  const broken = new Map<string, string>();
  for (const { fault, amount } of shares) {
    const count = amount.kind === "share" ? Math.round(amount.value * names.length) : amount.value;
    for (let i = 0; i < count; i++) {
      const next = order[broken.size];
      if (next === undefined)
        throw new InvalidInputError([
          `--faults: that many cannot be broken: there are ${names.length} clusters to choose from`,
        ]);
      broken.set(next.name, fault);
    }
  }
  return broken;
}
