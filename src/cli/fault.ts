// `clusterpulse fault`: breaks and heals clusters of a running simulator, also that of the demo.
import { Command } from "commander";
import { faultNames } from "../simulator/faults/names.ts";
import { Flags } from "./options.ts";

const parametersHint = "\nWhat each fault takes: clusterpulse fault parameters [FAULT]\n";

export function faultCommand(): Command {
  const fault = new Command("fault")
    .description("break and heal clusters of the demo or of a running simulator")
    .addHelpText("after", parametersHint);
  const add = new Command("add")
    .description("break a cluster: clusterpulse fault add NAME hang")
    .argument("<cluster>", "its name, or a registry's, or hub")
    .argument("<fault>", faultNames.join(", "))
    .option("--id <id>", "tells it apart from other rules of the cluster; the fault's name unless told")
    .option("--latency-ms <ms>", "how long each answer of a cluster with the fault latency is held back")
    .option(
      "--set <name=value...>",
      "parameters of the fault, and of the traffic that it meets: code=429 retryAfter=5 verb=list,watch probability=0.3",
    )
    .addHelpText("after", parametersHint)
    .action(async (cluster: string, name: string, _options, command: Command) => {
      const flags = new Flags(command, 2);
      const latencyMs = flags.integer("latency-ms", { min: 1, max: 600_000 }, undefined);
      const parameters = {
        ...(latencyMs === undefined ? {} : { latencyMs }),
        ...parametersOf(command.opts<{ set?: string[] }>().set ?? [], flags),
      };
      flags.end();
      const isPlain = Object.keys(parameters).length === 0;
      const { parseFaultRule } = await import("../simulator/faults/rule.ts");
      const { id } = command.opts<{ id?: string }>();
      const rule = parseFaultRule({
        ...{ cluster, fault: name },
        ...(id === undefined ? {} : { id }),
        ...(isPlain ? {} : { parameters }),
      });
      const simulator = await connect(command);
      await simulator.addFault(rule);
      const rules = (await simulator.listFaults()).filter((one) => one.cluster === cluster);
      const place = rules.length > 1 ? `, one of ${rules.length} rules: the first that matches holds` : "";
      const which = rules.length > 1 ? ` ${id ?? name}` : "";
      process.stdout.write(`${cluster}: ${name}${place}. Heal it with: fault remove ${cluster}${which}\n`);
    });
  const remove = new Command("remove")
    .description("heal a cluster, or end one of its rules")
    .argument("<cluster>")
    .argument("[id]", "that of a rule, as fault list shows it")
    .action(async (cluster: string, id: string | undefined, _options, command: Command) => {
      new Flags(command, 2).end();
      await (await connect(command)).removeFault(cluster, id);
      process.stdout.write(id === undefined ? `${cluster}: healed\n` : `${cluster}: without ${id}\n`);
    });
  const list = new Command("list")
    .description("show what is broken on purpose, rule by rule in their order, and how often each met somebody")
    .action(async (_options, command: Command) => {
      new Flags(command).end();
      const faults = await (await connect(command)).listFaults();
      for (const { cluster, fault: name, id, parameters, fired, isOn } of faults) {
        const told = Object.entries(parameters ?? {}).map(([key, value]) => `${key}=${value}`);
        const met = `met ${fired}${isOn ? "" : ", not now"}`;
        const called = id === name ? [] : [`id ${id}`];
        process.stdout.write(
          `${[cluster, name, ...called, ...(told.length > 0 ? [told.join(" ")] : []), met].join("  ")}\n`,
        );
      }
      if (faults.length === 0) process.stdout.write("nothing is broken on purpose\n");
    });
  for (const command of [add, remove, list]) {
    command
      .option("--simulator <pid>", "the process id of the simulator, when several run")
      .allowUnknownOption(true)
      .allowExcessArguments(true);
    fault.addCommand(command);
  }
  return fault.addCommand(parametersCommand());
}

function parametersCommand(): Command {
  return new Command("parameters")
    .description("tell what faults look like and what they take")
    .argument("[fault]")
    .allowUnknownOption(true)
    .allowExcessArguments(true)
    .action(async (name: string | undefined, _options, command: Command) => {
      const flags = new Flags(command, 1);
      const wanted = faultNames.filter((known) => name === undefined || known === name);
      if (wanted.length === 0) flags.problem(`${name} must be one of ${faultNames.join(", ")}`);
      flags.end();
      const { faultsText } = await import("../simulator/faults/help.ts");
      process.stdout.write(faultsText(wanted));
    });
}

const number = /^-?\d{1,12}(\.\d{1,9})?$/;

/** `name=value` pairs; which there are and what they may be is for the rule to say. */
function parametersOf(pairs: readonly string[], flags: Flags): Record<string, string | number | boolean> {
  const parameters: Record<string, string | number | boolean> = {};
  for (const pair of pairs) {
    const [, name = "", text = ""] = /^(\w+)=(.+)$/.exec(pair) ?? [];
    if (name === "") flags.problem(`--set must be like code=429, not ${JSON.stringify(pair)}`);
    else if (text === "true" || text === "false") parameters[name] = text === "true";
    else parameters[name] = number.test(text) ? Number(text) : text;
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
