// `clusterpulse fault`: breaks and heals clusters of a running simulator, also that of the demo.
import { Command } from "commander";
import { faultNames, parseFaultRule } from "../simulator/faults/rule.ts";
import { Flags } from "./options.ts";

export function faultCommand(): Command {
  const fault = new Command("fault").description("break and heal clusters of the demo or of a running simulator");
  const add = new Command("add")
    .description("break a cluster: clusterpulse fault add NAME hang")
    .argument("<cluster>")
    .argument("<fault>", faultNames.join(", "))
    .option("--latency-ms <ms>", "how long each answer of a cluster with the fault latency is held back")
    .option(
      "--set <name=value...>",
      "parameters of the fault, such as code=429 retryAfter=5, variant=expired, upMs=8000",
    )
    .action(async (cluster: string, name: string, _options, command: Command) => {
      const flags = new Flags(command, 2);
      const latencyMs = flags.integer("latency-ms", { min: 1, max: 600_000 }, undefined);
      const parameters = {
        ...(latencyMs === undefined ? {} : { latencyMs }),
        ...parametersOf(command.opts<{ set?: string[] }>().set ?? [], flags),
      };
      flags.end();
      const isPlain = Object.keys(parameters).length === 0;
      const rule = parseFaultRule({ cluster, fault: name, ...(isPlain ? {} : { parameters }) });
      await (await connect(command)).addFault(rule);
      process.stdout.write(`${cluster}: ${name}. Heal it with: fault remove ${cluster}\n`);
    });
  const remove = new Command("remove")
    .description("heal a cluster")
    .argument("<cluster>")
    .action(async (cluster: string, _options, command: Command) => {
      new Flags(command, 1).end();
      await (await connect(command)).removeFault(cluster);
      process.stdout.write(`${cluster}: healed\n`);
    });
  const list = new Command("list")
    .description("show what is broken on purpose")
    .action(async (_options, command: Command) => {
      new Flags(command).end();
      const faults = await (await connect(command)).listFaults();
      for (const { cluster, fault: name } of faults) process.stdout.write(`${cluster}  ${name}\n`);
      if (faults.length === 0) process.stdout.write("nothing is broken on purpose\n");
    });
  for (const command of [add, remove, list]) {
    command
      .option("--simulator <pid>", "the process id of the simulator, when several run")
      .allowUnknownOption(true)
      .allowExcessArguments(true);
    fault.addCommand(command);
  }
  return fault;
}

/** `name=value` pairs; which there are and what they may be is for the rule to say. */
function parametersOf(pairs: readonly string[], flags: Flags): Record<string, string | number> {
  const parameters: Record<string, string | number> = {};
  for (const pair of pairs) {
    const match = /^(\w+)=(.+)$/.exec(pair);
    if (match === null) flags.problem(`--set must be like code=429, not ${JSON.stringify(pair)}`);
    else
      parameters[match[1] as string] = /^\d{1,12}$/.test(match[2] as string) ? Number(match[2]) : (match[2] as string);
  }
  return parameters;
}

async function connect(command: Command) {
  const { runningSimulator } = await import("./running-simulator.ts");
  const flags = new Flags(command, command.args.length);
  const pid = flags.integer("simulator", { min: 1, max: 2 ** 31 }, undefined);
  flags.end();
  return await runningSimulator(pid);
}
