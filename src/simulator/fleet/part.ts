// The main module of a process that serves a part of a fleet. It is told which over IPC, answers once it serves, and ends with the
// process that started it, however that one ends. Only part-process.ts starts it.
import { safeError } from "../../support/errors.ts";
import { startAdminServer } from "../admin/server.ts";
import { AdvancingClock } from "../advancing-clock.ts";
import { restoreAuthority } from "../http/certificates.ts";
import { processReport } from "../process-report.ts";
import { Tokens } from "../tokens.ts";
import { clustersOf, type PartAnswer, type PartSetup } from "./part-setup.ts";
import { openServers } from "./servers.ts";

process.once("disconnect", () => process.exit(0));
// Who started it was gone before anybody listened.
if (!process.connected) process.exit(0);
process.once("message", (setup: PartSetup) => {
  serve(setup).then(answer, (error: unknown) => answer({ ready: false, ...safeError(error) }));
});

async function serve(setup: PartSetup): Promise<PartAnswer> {
  const { seed, preset, mode, hubPort, fleetSize } = setup;
  const servers = await openServers({
    ...{ seed, preset, mode, hubPort, fleetSize },
    process: String(setup.part + 1),
    clusters: clustersOf(setup),
    authority: restoreAuthority(setup.authority),
    tokens: new Tokens(Buffer.from(setup.tokenSecret, "base64")),
    clock: new AdvancingClock(),
  });
  const { url, token } = await startAdminServer({ ...servers, registries: [], process: processReport });
  return { ready: true, admin: { url, token } };
}

function answer(message: PartAnswer): void {
  process.send?.(message, undefined, undefined, () => {
    if (!message.ready) process.exit(1);
  });
}
