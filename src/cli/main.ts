// The command line. Each command is a file of this folder that parses, wires and exits; its work is loaded only when it runs.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { safeError } from "../support/errors.ts";
import { demoCommand } from "./demo.ts";
import { faultCommand } from "./fault.ts";
import { fleetCommand } from "./fleet.ts";
import { hubCommand } from "./hub.ts";
import { loadCommand } from "./load.ts";
import { metricSourceCommand } from "./metricsource.ts";
import { runProgram } from "./program.ts";
import { simulateCommand } from "./simulate.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("clusterpulse")
  .description(
    "Watches a fleet of Kubernetes clusters. One dead, slow or lying cluster never delays, falsifies or hides another.",
  )
  .version(version, "--version", "print the version");
for (const command of [
  demoCommand(version),
  hubCommand(version),
  fleetCommand(),
  faultCommand(),
  metricSourceCommand(version),
  simulateCommand(),
  loadCommand(version),
]) {
  program.addCommand(command.allowUnknownOption(true).allowExcessArguments(true));
}
program.addCommand(
  new Command("version").description("print the version").action(() => void process.stdout.write(`${version}\n`)),
);

try {
  await runProgram(program, "clusterpulse");
} catch (error) {
  process.stderr.write(`clusterpulse: ${safeError(error).message}\n`);
  // Nobody knows what is open still: what goes on without its command would look alive.
  process.exit(1);
}
