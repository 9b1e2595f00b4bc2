import fc from "fast-check";
import { expect, test } from "vitest";
import { clustersOf, type PartSetup } from "../../../../src/simulator/fleet/part-setup.ts";
import { mintAuthority } from "../../../../src/simulator/http/certificates.ts";
import { Tokens } from "../../../../src/simulator/tokens.ts";
import { clusterIdentities } from "../../../../src/simulator/world/profile.ts";

const { caPem, keyPem } = mintAuthority();
const setup: Omit<PartSetup, "seed" | "fleetSize" | "part" | "parts"> = {
  ...{ preset: "tiny", mode: "port", hubPort: 1 },
  authority: { caPem, keyPem },
  tokenSecret: new Tokens().secret.toString("base64"),
};

test("the parts have every cluster once, with the place that it has in the whole fleet, and about equally many each", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 16 }),
      (seed, fleetSize, wanted) => {
        const parts = Math.min(wanted, fleetSize);
        const shares = Array.from({ length: parts }, (_, part) =>
          clustersOf({ ...setup, seed, fleetSize, part, parts }),
        );
        const all = shares.flat().sort((a, b) => a.index - b.index);
        expect(all.map(({ index }) => index)).toEqual(Array.from({ length: fleetSize }, (_, index) => index));
        expect(all.map(({ identity }) => identity)).toEqual(clusterIdentities(seed, fleetSize));
        const sizes = shares.map((share) => share.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 50 },
  );
});

test("tokens of another process that knows the secret are the same, and of one that does not are others", () => {
  const tokens = new Tokens();
  const told = new Tokens(Buffer.from(tokens.secret.toString("base64"), "base64"));
  expect(told.of("prod-fra-01")).toBe(tokens.of("prod-fra-01"));
  expect(new Tokens().of("prod-fra-01")).not.toBe(tokens.of("prod-fra-01"));
});
