// `clusterpulse fleet`: the fleet in the terminal, once or as it changes.
import { Command } from "commander";
import { ClusterPulseError } from "../support/errors.ts";
import { byUrgency, type FleetRow, fleetSummary, fleetTable, isUnhealthy } from "./fleet-rows.ts";
import { Flags } from "./options.ts";
import { untilAskedToStop } from "./signals.ts";

const formats = ["table", "json", "yaml"] as const;
type Format = (typeof formats)[number];
const requestDeadlineMs = 15_000;

export function fleetCommand(): Command {
  return new Command("fleet")
    .description("show the fleet: broken clusters first, with the cause and the age of every number")
    .option("--watch", "keep showing it as it changes")
    .option("--unhealthy", "only clusters that are not healthy")
    .option("-o, --output <format>", "table, json or yaml", "table")
    .option("--server <url>", "the hub to ask", "http://127.0.0.1:8080")
    .action(async (_options, command: Command) => {
      const flags = new Flags(command);
      const format = flags.oneOf("output", formats, "table");
      const server = flags.url("server", "http://127.0.0.1:8080");
      flags.end();
      const wanted = (row: FleetRow): boolean => !flags.on("unhealthy") || isUnhealthy(row);
      await (flags.on("watch") ? watchFleet(server, format, wanted) : showFleet(server, format, wanted));
    });
}

async function showFleet(server: string, format: Format, wanted: (row: FleetRow) => boolean): Promise<void> {
  const response = await fetch(`${server}/api/v1/clusters`, {
    signal: AbortSignal.timeout(requestDeadlineMs),
    redirect: "error",
  }).catch(() => {
    throw new ClusterPulseError("SERVER_UNREACHABLE", noServer(server));
  });
  if (!response.ok)
    throw new ClusterPulseError("SERVER_REFUSED", `${server} answered ${response.status} to GET /api/v1/clusters`);
  const rows = byUrgency((await response.json()) as FleetRow[]).filter(wanted);
  process.stdout.write(await print(rows, format));
}

const noServer = (server: string): string =>
  `no hub answers at ${server}; start one with "npm start", or name it with --server`;

const dataOf = (event: Event): string => String((event as Event & { readonly data?: unknown }).data);

async function print(rows: readonly FleetRow[], format: Format): Promise<string> {
  switch (format) {
    case "table":
      return `${fleetTable(rows, Date.now())}${fleetSummary(rows)}\n`;
    case "json":
      return `${JSON.stringify(rows, null, 2)}\n`;
    case "yaml":
      return (await import("yaml")).stringify(rows);
  }
}

/**
 * Follows the hub's stream. A table on a terminal is drawn anew, once a second at most (ages move even when nothing else does);
 * elsewhere, and as json or yaml, every change is one more line or document.
 */
async function watchFleet(server: string, format: Format, wanted: (row: FleetRow) => boolean): Promise<void> {
  const { EventSource } = await import("undici");
  const yaml = format === "yaml" ? await import("yaml") : undefined;
  const drawn = format === "table" && process.stdout.isTTY === true;
  const rows = new Map<string, FleetRow>();
  let state = `connecting to ${server}`;
  const say = (row: FleetRow): void => {
    if (drawn || !wanted(row)) return;
    if (format === "json") process.stdout.write(`${JSON.stringify(row)}\n`);
    else if (yaml !== undefined) process.stdout.write(`---\n${yaml.stringify(row)}`);
    else process.stdout.write(fleetTable([row], Date.now()).split("\n").slice(1).join("\n"));
  };
  const draw = (): void => {
    const shown = byUrgency(rows.values()).filter(wanted);
    process.stdout.write(
      `\u001b[H\u001b[2J${fleetTable(shown, Date.now())}\n${fleetSummary([...rows.values()])} (${state})\n`,
    );
  };

  const stream = new EventSource(`${server}/api/v1/stream`);
  stream.addEventListener("open", () => {
    state = `live from ${server}`;
  });
  stream.addEventListener("error", () => {
    state = `DISCONNECTED from ${server}: what is shown is getting old`;
    if (!drawn)
      process.stderr.write(`clusterpulse: ${rows.size === 0 ? noServer(server) : `lost ${server}; trying again`}\n`);
  });
  stream.addEventListener("cluster", (event) => {
    const row = JSON.parse(dataOf(event)) as FleetRow;
    rows.set(row.name, row);
    say(row);
  });
  stream.addEventListener("cluster-deleted", (event) => {
    const { name } = JSON.parse(dataOf(event)) as { name: string };
    rows.delete(name);
    if (!drawn)
      process.stdout.write(
        format === "json"
          ? `${JSON.stringify({ name, deleted: true })}\n`
          : `${format === "yaml" ? "---\n# " : ""}${name} deleted\n`,
      );
  });
  const timer = drawn ? setInterval(draw, 1_000) : undefined;
  await untilAskedToStop();
  clearInterval(timer);
  stream.close();
}
