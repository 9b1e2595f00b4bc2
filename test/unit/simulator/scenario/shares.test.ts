import { describe, expect, it } from "vitest";
import { chooseBroken, parseFaultShares } from "../../../../src/simulator/scenario/shares.ts";

const known = ["blackhole", "hang", "slowbody"];
const names = Array.from({ length: 40 }, (_, index) => `cluster-${index}`);

describe("--faults", () => {
  it("breaks a part of the fleet or a number of clusters, one fault each", () => {
    const broken = chooseBroken(names, parseFaultShares("blackhole=20%, hang=3", known), 1);
    expect(broken.size).toBe(11);
    expect([...broken.values()].filter((fault) => fault === "blackhole")).toHaveLength(8);
    expect(names).toEqual(expect.arrayContaining([...broken.keys()]));
  });

  it("chooses the same clusters for the same seed, whatever the order of their names, and others for another", () => {
    const shares = parseFaultShares("hang=10", known);
    const chosen = [...chooseBroken(names, shares, 7).keys()].sort();
    expect([...chooseBroken(names.toReversed(), shares, 7).keys()].sort()).toEqual(chosen);
    expect([...chooseBroken(names, shares, 8).keys()].sort()).not.toEqual(chosen);
  });

  it("lists everything that is wrong at once", () => {
    const read = (): unknown => parseFaultShares("blackhole=120%,nonsense=3,hang,hang=1,hang=2", known);
    expect(read).toThrow(
      expect.objectContaining({
        problems: [
          "--faults: blackhole must be at most 100%",
          "--faults: nonsense must be one of blackhole, hang, slowbody",
          '--faults: "hang" must be like blackhole=20% or hang=3',
          "--faults: hang stands there twice",
        ],
      }),
    );
  });

  it("refuses more faults than there are clusters", () => {
    expect(() => chooseBroken(names, parseFaultShares("hang=41", known), 1)).toThrow(
      /there are 40 clusters to choose from/,
    );
  });
});
