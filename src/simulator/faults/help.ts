// What people are told of faults, in text and in the documentation's table, made of the same data as the check.
import type { FaultName } from "./names.ts";
import { describeFault, describeTraffic, type ParameterDescription } from "./parameters.ts";
import type { Traffic } from "./traffic.ts";

const traffics: Readonly<Record<Traffic, string>> = {
  requests: "a part of the requests",
  connections: "a part of the connections",
  server: "a time",
};

/** A paragraph for each, and what they take beside their own parameters. */
export function faultsText(faults: readonly FaultName[]): string {
  const described = faults.map((fault) => ({ fault, ...describeFault(fault) }));
  const paragraphs = described.map(({ fault, looks, parameters, traffic }) => {
    const also = `  and what chooses ${traffics[traffic]}, below`;
    return [`${fault}: ${looks}`, ...parameters.map(lineOf), also].join("\n");
  });
  const shown = [...new Set(described.map(({ traffic }) => traffic))];
  const common = shown.map((traffic) =>
    [`What chooses ${traffics[traffic]}:`, ...describeTraffic(traffic).map(lineOf)].join("\n"),
  );
  return `${[...paragraphs, ...common].join("\n\n")}\n`;
}

const lineOf = ({ name, values, about, choices }: ParameterDescription): string =>
  [`  ${name}: ${about} (${values})`, ...choices.map(([choice, means]) => `      ${choice}: ${means}`)].join("\n");

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** Rows of the documentation's table of faults. */
export function faultRows(faults: readonly FaultName[]): readonly string[] {
  return faults.map((fault) => {
    const { looks, parameters, traffic } = describeFault(fault);
    return `| \`${fault}\` | ${cell(looks)} | ${parameters.map(cellOf).join("<br>") || "–"} | ${traffic} |`;
  });
}

/** Rows of the documentation's table of what chooses traffic: every parameter once, with whom it belongs to. */
export function trafficRows(): readonly string[] {
  const [requests, connections, server] = (["requests", "connections", "server"] as const).map(describeTraffic);
  return (requests ?? []).map((parameter) => {
    const isIn = (others: readonly ParameterDescription[] = []): boolean =>
      others.some(({ name }) => name === parameter.name);
    const owners = isIn(server) ? "all" : isIn(connections) ? "requests, connections" : "requests";
    return `| \`${parameter.name}\` | ${cell(parameter.about)} | ${cell(parameter.values)} | ${owners} |`;
  });
}

function cellOf({ name, values, about, choices }: ParameterDescription): string {
  const means = choices.map(([choice, told]) => `; *${choice}*: ${told}`);
  return cell(`\`${name}\` (${values}): ${about}${means.join("")}`);
}
