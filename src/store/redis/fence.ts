// Keeps a write that was given up from landing after a newer one. A connection that was dropped may have left commands in the
// server's socket buffer; a new connection first has the server drop the old one, and what it has not executed by then never is.
import { ClusterPulseError } from "../../support/errors.ts";
import type { Logger } from "../../support/log.ts";
import type { Run } from "./connection.ts";

/** Makes the step that a new writing connection takes first. Where the user may not kill clients it is skipped, and said once. */
export function createFence(log: Logger): (run: Run) => Promise<void> {
  let previous: readonly [id: string, address: string] | undefined;
  let wasSaid = false;

  const skipped = (reason: ClusterPulseError): void => {
    if (!wasSaid)
      log.warn(
        { err: reason },
        "Redis does not let the hub end its own earlier connections; a delayed write may land late",
      );
    wasSaid = true;
  };

  return async (run) => {
    const [info] = await run([["client", "INFO"]]);
    if (info === undefined || "refused" in info) {
      const refused =
        info?.refused ?? new ClusterPulseError("STORE_REFUSED", "Redis did not say which client this is.");
      if (refused.code === "STORE_LOADING") throw refused;
      return skipped(refused);
    }
    if (previous !== undefined) {
      // Both, since the ids of a restarted server begin anew.
      const [killed] = await run([["client", "KILL", "ID", previous[0], "ADDR", previous[1]]]);
      if (killed !== undefined && "refused" in killed) skipped(killed.refused);
    }
    const [, id, address] = /^id=(\d+) addr=(\S+)/.exec(String(info.value)) ?? [];
    previous = id === undefined || address === undefined ? undefined : [id, address];
  };
}
