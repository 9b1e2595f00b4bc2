// A fleet whose clusters are served by several processes, when one core is not enough. This process has the hub's API, the registries and
// the one admin API, which asks the others. The same seed gives the same fleet however many there are.
// It is for the command line: the library answers at once and on a clock that may be virtual, which no other process shares.
import { ClusterPulseError, InvalidInputError } from "../../support/errors.ts";
import { checkOptions, type SimulatorOptions } from "../options.ts";
import { hubName } from "../origins.ts";
import { AskedPart } from "./asked-part.ts";
import { type FleetServers, type Front, openFront } from "./front.ts";
import { HubSide } from "./hub-side.ts";
import { joinServers } from "./joined-servers.ts";
import { type PartProcess, startPart } from "./part-process.ts";
import { openServers } from "./servers.ts";

export interface Fleet extends Omit<Front, "scenario"> {
  /** See Simulator. */
  readonly churn: FleetServers["churn"];
  /** Process ids of the parts. */
  readonly pids: readonly number[];
  /** Resolves with PART_ENDED when a part is gone before the fleet is closed: its clusters are too. */
  readonly failed: Promise<ClusterPulseError>;
}

/** Throws InvalidInputError where that many processes are not possible. */
export function checkProcesses({ clusters, origin, clock }: SimulatorOptions, processes: number): void {
  const problems: string[] = [];
  if (clock !== undefined) problems.push("clock: no other process shares it");
  if (origin === "path")
    problems.push(
      "processes: clusters below a path share the hub's listener and so its process; take origin port or ip",
    );
  if (processes > clusters) problems.push(`processes: there are only ${clusters} clusters to serve`);
  if (problems.length > 0) throw new InvalidInputError(problems);
}

/** Starts `processes` processes beside this one; the fleet serves when this resolves. Throws as startSimulator, PART_ENDED and PART_LATE. */
export async function startFleet(options: SimulatorOptions, processes: number): Promise<Fleet> {
  checkOptions(options);
  checkProcesses(options, processes);
  const { seed, preset = "small", origin: mode = "port", hubPort = 0 } = options;
  const opened: { close(): Promise<unknown> }[] = [];
  let isClosing = false;
  const close = async (): Promise<void> => {
    isClosing = true;
    for (const one of opened.splice(0).reverse()) await one.close();
  };
  try {
    const side = await HubSide.open(options);
    opened.push(side);
    const { identities, tokens, authority, clock, registries } = side;
    const fleetSize = identities.length;
    const shared = { seed, preset, mode, fleetSize };
    const own = await openServers({
      ...{ ...shared, hubPort, tokens, authority, clock, registries },
      process: "hub",
      hub: side.engine,
      clusters: [],
    });
    opened.push(own);
    const port = Number(new URL(own.urlOf(hubName)).port);
    const parts = await startParts(processes, (part) => ({
      ...{ ...shared, hubPort: port, part, parts: processes },
      authority: { caPem: authority.caPem, keyPem: authority.keyPem },
      tokenSecret: tokens.secret.toString("base64"),
    }));
    opened.push({ close: () => Promise.all(parts.map((part) => part.stop())) });
    const servers = await joinServers(
      own,
      parts.map(({ client, pid }, index) => new AskedPart(`${partName(index, processes)} (process id ${pid})`, client)),
      identities.map(({ name }) => name),
    );
    const front = await openFront(side, servers, options);
    opened.push(front);
    return {
      ...front,
      churn: servers.churn,
      pids: parts.map(({ pid }) => pid),
      failed: firstToEnd(parts, () => isClosing),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** All of them, or none. */
async function startParts(
  count: number,
  setupOf: (part: number) => Parameters<typeof startPart>[0],
): Promise<readonly PartProcess[]> {
  const starting = await Promise.allSettled(Array.from({ length: count }, (_, part) => startPart(setupOf(part))));
  const started = starting.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = starting.find((result) => result.status === "rejected");
  if (failed === undefined) return started;
  await Promise.all(started.map((part) => part.stop()));
  throw failed.reason;
}

const partName = (index: number, parts: number): string => `process ${index + 1} of ${parts} for clusters`;

function firstToEnd(parts: readonly PartProcess[], isClosing: () => boolean): Promise<ClusterPulseError> {
  return new Promise((resolve) => {
    for (const [index, { pid, ended }] of parts.entries()) {
      void ended.then((how) => {
        if (isClosing()) return;
        const which = `${partName(index, parts.length)} (process id ${pid})`;
        resolve(new ClusterPulseError("PART_ENDED", `${which} ended unexpectedly: ${how}; the fleet is stopped`));
      });
    }
  });
}
