// The list of metrics in docs/configuration.md is that of a running hub: nothing lacks, nothing is made up.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openHubProcess } from "../../src/cli/hub-process.ts";
import { silentLogger } from "../../src/support/log.ts";

test("every metric that a hub writes is documented, and every documented one is written", async () => {
  const hub = await openHubProcess({ version: "1.2.3", namespace: "fleet", log: silentLogger, port: 0 });
  try {
    const text = await (await fetch(`${hub.url}/metrics`)).text();
    const written = [...text.matchAll(/^# TYPE (clusterpulse_\w+) /gm)].map(([, name]) => name);
    const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
    const documented = [...page.matchAll(/`(clusterpulse_\w+)`/g)].map(([, name]) => name);
    expect(written.length).toBeGreaterThan(50);
    expect(documented.sort()).toEqual(written.sort());
  } finally {
    await hub.stop(4_000);
  }
});
