// What a simulator did and costs, as Prometheus reads it. A process writes of itself; the texts of several become one by adding what has
// the same name and labels. What is of one process alone, such as its lag, has the label `process`.
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { AnswerCount } from "../http/answer-counts.ts";
import { processReport } from "../process-report.ts";

/** What servers did since they began, and have open now. */
export interface Traffic {
  readonly answers: readonly AnswerCount[];
  /** Requests that arrived, answered or not. */
  readonly received: number;
  readonly watches: number;
  readonly connections: number;
  /** On all connections, TLS included. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** How many requests, connections or outages each fault met, healed ones too. */
  readonly fired: ReadonlyMap<string, number>;
  /** How many servers have each fault. */
  readonly faulty: ReadonlyMap<string, number>;
  /** Fault rules that were one too many for their server. */
  readonly refusedRules: number;
}

const lagResolutionMs = 20;
const quantiles = [50, 99] as const;

/** The metrics of this process. Its event loop is watched from the first time on that somebody asks: it costs a timer. */
export class ProcessMetrics {
  readonly #name: string;
  readonly #delay = monitorEventLoopDelay({ resolution: lagResolutionMs });

  /** @param name value of the label `process` */
  constructor(name: string) {
    this.#name = name;
  }

  /** The text of this process. Lag is that since the text before; 0 in the first one. */
  text(traffic: Traffic): string {
    const { cpuMs, residentBytes } = processReport();
    const own = { process: this.#name };
    const lags = quantiles.map((percent): Sample => {
      const lagMs = Math.max(0, this.#delay.percentile(percent) / 1e6 - lagResolutionMs);
      return [{ ...own, quantile: String(percent / 100) }, Number.isFinite(lagMs) ? lagMs / 1_000 : 0];
    });
    this.#delay.reset();
    this.#delay.enable();
    const byFault = (counts: ReadonlyMap<string, number>): Sample[] => [...counts].map(([fault, n]) => [{ fault }, n]);
    return [
      metric("requests_total", "counter", "Answers by what was asked and their status.", [
        ...traffic.answers.map(({ verb, resource, code, count }): Sample => [{ verb, resource, code }, count]),
      ]),
      metric("requests_received_total", "counter", "Requests that arrived, answered or not.", [[{}, traffic.received]]),
      metric("watches_open", "gauge", "Watches that are being answered.", [[{}, traffic.watches]]),
      metric("connections_open", "gauge", "Connections to all servers.", [[{}, traffic.connections]]),
      metric("sent_bytes_total", "counter", "Bytes sent, TLS included.", [[{}, traffic.sentBytes]]),
      metric("received_bytes_total", "counter", "Bytes received, TLS included.", [[{}, traffic.receivedBytes]]),
      metric("faults", "gauge", "Servers that have the fault.", byFault(traffic.faulty)),
      metric("faults_fired_total", "counter", "What the fault met, healed ones too.", byFault(traffic.fired)),
      metric("fault_rules_refused_total", "counter", "Fault rules that were one too many for their server.", [
        [{}, traffic.refusedRules],
      ]),
      metric("cpu_seconds_total", "counter", "CPU time of each process.", [[own, cpuMs / 1_000]]),
      metric("resident_memory_bytes", "gauge", "Resident memory of each process.", [[own, residentBytes]]),
      metric("event_loop_lag_seconds", "gauge", "How late timers were, since this was asked before.", lags),
    ].join("");
  }

  close(): void {
    this.#delay.disable();
  }
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

function metric(name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): string {
  const full = `clusterpulse_simulator_${name}`;
  const lines = samples.map(([labels, value]) => {
    const text = Object.entries(labels).map(([label, content]) => `${label}="${escaped(content)}"`);
    return `${full}${text.length === 0 ? "" : `{${text.join()}}`} ${value}\n`;
  });
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join("")}`;
}

/** Of a fleet that several processes serve. */
export const silentMetric = (silent: number): string =>
  metric("processes_silent", "gauge", "Processes that did not answer when they were asked last.", [[{}, silent]]);

const escaped = (text: string): string => text.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));

/** One text of several that this module wrote. */
export function joinMetrics(texts: readonly string[]): string {
  const families = new Map<string, Map<string, number>>();
  for (const text of texts) {
    let samples = new Map<string, number>();
    let head = "";
    for (const line of text.split("\n").filter((one) => one !== "")) {
      if (line.startsWith("# HELP ")) head = line;
      else if (line.startsWith("# TYPE ")) {
        const key = `${head}\n${line}`;
        samples = families.get(key) ?? new Map();
        families.set(key, samples);
      } else {
        const end = line.lastIndexOf(" ");
        const series = line.slice(0, end);
        samples.set(series, (samples.get(series) ?? 0) + Number(line.slice(end + 1)));
      }
    }
  }
  return [...families]
    .map(([head, samples]) => `${head}\n${[...samples].map(([series, value]) => `${series} ${value}\n`).join("")}`)
    .join("");
}
