// metricsource: what can be done with a MetricSource outside of a hub.
import { Command } from "commander";
import { Flags } from "./options.ts";

export function metricSourceCommand(version: string): Command {
  return new Command("metricsource")
    .description("check and try MetricSources before they are applied")
    .addCommand(runCommand(version))
    .addCommand(
      new Command("check")
        .description("say what is wrong with MetricSources, as file:line:column: message; exits 1 if anything is")
        .argument("<file...>", "YAML or JSON files; documents of other kinds are passed over")
        .action(async (files: string[]) => {
          const { checkFiles } = await import("./metricsource-check.ts");
          if (!checkFiles(files, (line) => void process.stdout.write(`${line}\n`))) process.exitCode = 1;
        }),
    );
}

function runCommand(version: string): Command {
  return new Command("run")
    .description("show what MetricSources would collect in live clusters; stores nothing")
    .argument("<file>", "a YAML or JSON file")
    .option("--kubeconfig <path>", "how to reach the clusters; default as kubectl")
    .option("--context <names...>", "contexts to ask; default the current one")
    .option("-n, --namespace <name>", "this namespace instead of those that the file names")
    .option("-o, --output <format>", "table, json or yaml", "table")
    .option("--limit <n>", "rows to show of each cluster", "20")
    .action(async (file: string, given: { context?: string[] }, command: Command) => {
      const { previewFormats, runFile } = await import("./metricsource-run.ts");
      const flags = new Flags(command, 1);
      const format = flags.oneOf("output", previewFormats, "table");
      const limit = flags.integer("limit", { min: 0, max: 100_000 }, 20);
      const [kubeconfig, namespace] = [flags.text("kubeconfig"), flags.text("namespace")];
      flags.end();
      const contexts = given.context ?? [];
      if (!(await runFile({ file, kubeconfig, contexts, namespace, format, limit, version }))) process.exitCode = 1;
    });
}
