import { afterEach, describe, expect, it, vi } from "vitest";
import { currentTickMs, hubNowMs, onTick, setHubTime } from "../../../src/dashboard/ticker.ts";

afterEach(() => {
  vi.restoreAllMocks();
  setHubTime(new Date().toUTCString());
});

describe("ticker", () => {
  it("serves all listeners from one timer, which ends with the last of them", () => {
    const set = vi.spyOn(globalThis, "setInterval");
    const clear = vi.spyOn(globalThis, "clearInterval");
    const leave = [1, 2, 3].map(() => onTick(() => {}));
    expect(set).toHaveBeenCalledTimes(1);
    leave[0]?.();
    leave[1]?.();
    expect(clear).not.toHaveBeenCalled();
    leave[2]?.();
    expect(clear).toHaveBeenCalledTimes(1);
  });

  it("ticks every second for each of them", () => {
    const now = vi.spyOn(Date, "now").mockReturnValue(5_000_000);
    const set = vi.spyOn(globalThis, "setInterval");
    let ticks = 0;
    const leave = [1, 2].map(() => onTick(() => void ticks++));
    expect(set.mock.calls[0]?.[1]).toBe(1000);
    now.mockReturnValue(5_001_000);
    expect(currentTickMs()).toBe(5_000_000);
    const tick = set.mock.calls[0]?.[0];
    if (typeof tick === "function") tick();
    expect(currentTickMs()).toBe(5_001_000);
    expect(ticks).toBe(2);
    for (const each of leave) each();
  });

  it("goes by the hub's clock when this one is off, and not for mere rounding", () => {
    const noon = Date.UTC(2026, 0, 1, 12);
    vi.spyOn(Date, "now").mockReturnValue(noon);
    setHubTime("Thu, 01 Jan 2026 12:10:00 GMT");
    expect(hubNowMs()).toBe(noon + 600_000);
    setHubTime("nonsense");
    setHubTime(null);
    expect(hubNowMs()).toBe(noon + 600_000);
    setHubTime("Thu, 01 Jan 2026 11:59:58 GMT");
    expect(hubNowMs()).toBe(noon);
  });
});
