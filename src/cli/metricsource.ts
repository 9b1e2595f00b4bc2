// metricsource: what can be done with a MetricSource outside of a hub.
import { Command } from "commander";

export function metricSourceCommand(): Command {
  return new Command("metricsource").description("check MetricSources before they are applied").addCommand(
    new Command("check")
      .description("say what is wrong with MetricSources, as file:line:column: message; exits 1 if anything is")
      .argument("<file...>", "YAML or JSON files; documents of other kinds are passed over")
      .action(async (files: string[]) => {
        const { checkFiles } = await import("./metricsource-check.ts");
        if (!checkFiles(files, (line) => void process.stdout.write(`${line}\n`))) process.exitCode = 1;
      }),
  );
}
