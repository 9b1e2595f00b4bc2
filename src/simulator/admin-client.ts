// The admin API of a running simulator, for commands of another process. Every call has a deadline and a limit on what it reads.
import { ClusterPulseError } from "../support/errors.ts";
import type { ChurnState } from "./churn/churn.ts";
import type { ChurnSettings } from "./churn/settings.ts";
import type { FaultRecord } from "./faults/registry.ts";
import type { FaultRule } from "./faults/rule.ts";
import type { MembershipChange } from "./fleet/directory.ts";
import type { RequestRecord, ServerRequests } from "./http/request-log.ts";
import type { ProcessReport } from "./process-report.ts";
import type { ScenarioOutline } from "./scenario/control.ts";
import type { ScenarioState } from "./scenario/run.ts";
import type { SnapshotOutline } from "./snapshots.ts";
import type { ExpectedCluster } from "./world/expected.ts";

export interface AdminAddress {
  readonly url: string;
  readonly token: string;
}

/** The simulator did not do as asked. */
export class SimulatorRefusedError extends ClusterPulseError {
  /** Of the answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super("SIMULATOR_REFUSED", message);
    this.status = status;
  }
}

/** Of answers in which something is missing: the processes of the simulator that did not answer. */
export const silentHeader = "x-sim-silent";

const defaultDeadlineMs = 10_000;
const maxAnswerBytes = 16 * 1024 * 1024;

/**
 * Every method throws ClusterPulseError: SIMULATOR_UNREACHABLE when no answer came in time, and SimulatorRefusedError with the
 * simulator's own explanation.
 */
export class AdminClient {
  readonly #address: AdminAddress;
  readonly #deadlineMs: number;
  readonly #onSilent: (processes: string) => void;

  /** @param options.onSilent is told the processes of the simulator that did not answer, whose part an answer lacks */
  constructor(
    address: AdminAddress,
    options: { readonly deadlineMs?: number; readonly onSilent?: (processes: string) => void } = {},
  ) {
    this.#address = address;
    this.#deadlineMs = options.deadlineMs ?? defaultDeadlineMs;
    this.#onSilent = options.onSilent ?? (() => undefined);
  }

  async clusters(): Promise<readonly { readonly name: string; readonly url: string }[]> {
    return (await this.#call("GET", "clusters")) as { name: string; url: string }[];
  }

  async registries(): Promise<readonly { readonly name: string; readonly url: string }[]> {
    return (await this.#call("GET", "registries")) as { name: string; url: string }[];
  }

  async expected(cluster: string): Promise<ExpectedCluster> {
    return (await this.#call("GET", `clusters/${encodeURIComponent(cluster)}/expected`)) as ExpectedCluster;
  }

  async listFaults(): Promise<readonly FaultRecord[]> {
    return (await this.#call("GET", "faults")) as FaultRecord[];
  }

  /** The simulator checks the rule, also the name of the fault. */
  async addFault(rule: Omit<FaultRule, "fault"> & { readonly fault: string }): Promise<void> {
    await this.#call("POST", "faults", rule);
  }

  /** The rule with the id, or all of the cluster. */
  async removeFault(cluster: string, id?: string): Promise<void> {
    const query = id === undefined ? "" : `?id=${encodeURIComponent(id)}`;
    await this.#call("DELETE", `faults/${encodeURIComponent(cluster)}${query}`);
  }

  /** Lets clusters change by themselves, in place of what was asked for before. The simulator checks the settings. */
  async setChurn(settings: ChurnSettings): Promise<ChurnState> {
    return (await this.#call("PUT", "churn", settings)) as ChurnState;
  }

  /** Lets happen again what a trace tells. The simulator checks it. */
  async replayChurn(trace: string, speed = 1): Promise<ChurnState> {
    return (await this.#call("POST", "churn", { trace, speed })) as ChurnState;
  }

  async churn(): Promise<ChurnState> {
    return (await this.#call("GET", "churn")) as ChurnState;
  }

  async stopChurn(): Promise<ChurnState> {
    return (await this.#call("DELETE", "churn")) as ChurnState;
  }

  /** The simulator's clock goes forward. Returns what it says then, in epoch milliseconds. */
  async advanceClock(byMs: number): Promise<number> {
    return ((await this.#call("POST", "clock/advance", { ms: byMs })) as { nowMs: number }).nowMs;
  }

  /** Keeps the state of this moment under a name, within the simulator. */
  async takeSnapshot(name: string): Promise<SnapshotOutline> {
    return (await this.#call("POST", "snapshot", { name })) as SnapshotOutline;
  }

  async snapshots(): Promise<readonly SnapshotOutline[]> {
    return (await this.#call("GET", "snapshot")) as SnapshotOutline[];
  }

  async restoreSnapshot(name: string): Promise<void> {
    await this.#call("POST", "restore", { name });
  }

  /** Begins a scenario: the text of its YAML. The simulator checks it. */
  async startScenario(yaml: string): Promise<ScenarioOutline> {
    return (await this.#call("POST", "scenario", { yaml })) as ScenarioOutline;
  }

  /** Of the newest scenario; null: there was none. */
  async scenario(): Promise<ScenarioState | null> {
    return (await this.#call("GET", "scenario")) as ScenarioState | null;
  }

  async stopScenario(): Promise<void> {
    await this.#call("DELETE", "scenario");
  }

  /** When each cluster's newest poll began, epoch milliseconds. */
  async polls(): Promise<readonly { readonly cluster: string; readonly atMs: number }[]> {
    return (await this.#call("GET", "polls")) as { cluster: string; atMs: number }[];
  }

  /** Open connections of every cluster. */
  async connections(): Promise<readonly { readonly cluster: string; readonly sockets: number }[]> {
    return (await this.#call("GET", "connections")) as { cluster: string; sockets: number }[];
  }

  /** What the simulator's own processes cost so far, all together. */
  async process(): Promise<ProcessReport> {
    return (await this.#call("GET", "process")) as ProcessReport;
  }

  /** How many requests each server was asked. */
  async requestCounts(): Promise<readonly { readonly cluster: string; readonly count: number }[]> {
    return (await this.#call("GET", "requests")) as { cluster: string; count: number }[];
  }

  async requestsOf(cluster: string): Promise<ServerRequests> {
    return (await this.#call("GET", `requests?cluster=${encodeURIComponent(cluster)}`)) as ServerRequests;
  }

  /** Recent requests of all servers since then (epoch milliseconds), oldest first. */
  async requestsSince(sinceMs: number, limit: number): Promise<readonly RequestRecord[]> {
    return (await this.#call("GET", `requests?since=${sinceMs}&limit=${limit}`)) as RequestRecord[];
  }

  /** Prometheus text. */
  async metrics(): Promise<string> {
    return await this.#ask("GET", "metrics", undefined, (text) => text);
  }

  /** Registers clusters with the hub's API again, and takes others out of it. Says which of them were not so before. */
  async changeClusters(change: MembershipChange): Promise<Required<MembershipChange>> {
    return (await this.#call("POST", "clusters", change)) as Required<MembershipChange>;
  }

  #call(method: string, path: string, body?: unknown): Promise<unknown> {
    return this.#ask(method, path, body, (text) => JSON.parse(text) as unknown);
  }

  async #ask<T>(method: string, path: string, body: unknown, read: (text: string) => T): Promise<T> {
    const { url, token } = this.#address;
    let refusal: { status: number; answer: unknown };
    try {
      const response = await fetch(`${url}/sim/v1/${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        signal: AbortSignal.timeout(this.#deadlineMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await readText(response);
      const silent = response.headers.get(silentHeader);
      if (silent !== null) this.#onSilent(silent);
      if (response.ok) return read(text);
      refusal = { status: response.status, answer: JSON.parse(text) };
    } catch {
      throw new ClusterPulseError(
        "SIMULATOR_UNREACHABLE",
        `no answer from the simulator at ${url} within ${this.#deadlineMs} ms`,
      );
    }
    const { status, answer } = refusal;
    const error = (answer as { error?: unknown } | null)?.error;
    throw new SimulatorRefusedError(status, typeof error === "string" ? error : `the simulator answered ${status}`);
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw new ClusterPulseError("SIMULATOR_REFUSED", "the simulator's answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
