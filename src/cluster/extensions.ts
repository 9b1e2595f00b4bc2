// What a cluster has beyond plain Kubernetes: OpenShift's version, console and ClusterOperators, and the operators that the Operator
// Lifecycle Manager installed. The server's list of API groups says what there is to ask for, so a plain cluster costs one small
// request each scan interval. Where the list is withheld, each part is asked for itself, and 404 means that it is not there.
import { ClusterPulseError } from "../support/errors.ts";
import { type Failure, failureOf, isSilence, itemsMalformed } from "./failure.ts";
import type { CollectLimits } from "./limits.ts";
import { conventionalConsoleUrl } from "./openshift.ts";
import type { Answer, OptionalParts } from "./optional.ts";
import type {
  ClusterOperatorRow,
  Compute,
  ComputeTasks,
  OpenShiftInfo,
  OperatorRow,
  ResponseBody,
  Subscription,
} from "./ports.ts";
import { JSON_TYPE, type ListQuery, type Requests, tooMany } from "./requests.ts";
import type { Memory, Remembered } from "./state.ts";

/** What was found. Null: nothing new, what is stored stays; "absent": the server does not have it, what is stored goes. */
export interface Extensions {
  /** `unknown`: OpenShift before, and now it does not say. */
  readonly openShift: { readonly info: OpenShiftInfo; readonly consoleUrl: string | undefined } | "absent" | "unknown";
  readonly clusterOperators: readonly ClusterOperatorRow[] | "absent" | null;
  /** ClusterOperators of the list before that are not in this one. */
  readonly goneClusterOperators: readonly string[];
  readonly operators: readonly OperatorRow[] | "absent" | null;
}

export interface ExtensionsInput {
  readonly requests: Requests;
  readonly optional: OptionalParts;
  readonly memory: Memory;
  readonly compute: Compute;
  readonly limits: CollectLimits;
  readonly endpoint: string;
  readonly signal: AbortSignal;
}

const OPENSHIFT_CONFIG = "config.openshift.io";
const OPENSHIFT_ROUTE = "route.openshift.io";
const OLM = "operators.coreos.com";
const olmPath = (plural: string): string => `/apis/${OLM}/v1alpha1/${plural}`;

/** ClusterServiceVersions carry icons and whole deployments, up to the megabyte and a half that an object may have. */
const CSV_PAGE_SIZE = 20;
/** Leaves out the copies that cluster-wide operators have in every namespace. */
const NO_COPIES = "!olm.copiedFrom";

/** Never rejects: what cannot be had is named in `optional`. */
export async function collectExtensions(input: ExtensionsInput): Promise<Extensions> {
  return new ExtensionsRun(input).all();
}

class ExtensionsRun {
  readonly #input: ExtensionsInput;
  readonly #keepMs: number;

  constructor(input: ExtensionsInput) {
    this.#input = input;
    this.#keepMs = input.limits.operatorScanIntervalMs;
  }

  async all(): Promise<Extensions> {
    const { memory } = this.#input;
    await this.#findGroups();
    if (memory.groups === undefined) {
      const openShift = memory.isOpenShift ? "unknown" : "absent";
      return { openShift, clusterOperators: null, goneClusterOperators: [], operators: null };
    }
    const version = await this.#clusterVersion();
    const clusterOperators = await this.#clusterOperators();
    const operators = await this.#operators();
    // Last, because an aggregated API serves it, which may be away while the rest answers.
    const consoleUrl = version.kind === "found" ? await this.#consoleUrl() : undefined;
    const before = memory.clusterOperators;
    if (clusterOperators !== null) {
      memory.clusterOperators = clusterOperators === "absent" ? [] : clusterOperators.map(({ name }) => name);
    }
    const now = new Set(memory.clusterOperators);
    return {
      openShift:
        version.kind === "found" ? { info: version.value, consoleUrl } : memory.isOpenShift ? "unknown" : "absent",
      clusterOperators,
      goneClusterOperators: before.filter((name) => !now.has(name)),
      operators,
    };
  }

  #run<K extends keyof ComputeTasks>(task: K, input: ComputeTasks[K]["input"]): Promise<ComputeTasks[K]["output"]> {
    return this.#input.compute.run(task, input, this.#input.signal);
  }

  /** A whole list of at most `maxOperators` objects, as counted by `size`. */
  async #pages<Page extends { readonly continueToken: string }>(
    path: string,
    query: ListQuery,
    read: (body: ResponseBody) => Promise<Page>,
    size: (page: Page) => number,
  ): Promise<Page[]> {
    const { requests, limits } = this.#input;
    let count = 0;
    return await requests.pages(path, query, async (body) => {
      const page = await read(body);
      count += size(page);
      if (count > limits.maxOperators) throw tooMany(path, `${limits.maxOperators} objects`);
      return page;
    });
  }

  async #findGroups(): Promise<void> {
    const { memory, optional, requests } = this.#input;
    if (memory.groups !== undefined && !optional.isDue(memory.groups.untilMs)) return;
    if (optional.silence !== undefined) {
      if (memory.groups === undefined) optional.miss("apis", optional.silence);
      return;
    }
    try {
      const names = await requests.get("/apis", (body) => this.#run("readApiGroups", { body }));
      memory.groups = { names: new Set(names), untilMs: optional.absentUntilMs };
    } catch (error) {
      const failure = optional.failureOf(error);
      if (isSilence(failure)) {
        optional.miss("apis", failure);
        return;
      }
      const isWithheld = failure.code === "FORBIDDEN" || failure.code === "NOT_FOUND";
      const names = isWithheld ? null : (memory.groups?.names ?? null);
      memory.groups = { names, untilMs: isWithheld ? optional.absentUntilMs : Number.NEGATIVE_INFINITY };
    }
  }

  /** Whether the server has said that it does not have the group. */
  #lacks(group: string): boolean {
    const names = this.#input.memory.groups?.names ?? null;
    return names !== null && !names.has(group);
  }

  async #clusterVersion(): Promise<Answer<OpenShiftInfo>> {
    const { memory, optional, requests } = this.#input;
    const path = `/apis/${OPENSHIFT_CONFIG}/v1/clusterversions/version`;
    const isAbsent = this.#lacks(OPENSHIFT_CONFIG);
    const answer = await optional.ask("clusterversion", { keepMs: 0, isAbsent }, async () =>
      requests.get(path, (body) => this.#run("readClusterVersion", { body })),
    );
    if (answer.kind === "found") memory.isOpenShift = true;
    else if (isDenied(memory.parts.get("clusterversion"))) memory.isOpenShift = false;
    return answer;
  }

  async #clusterOperators(): Promise<Extensions["clusterOperators"]> {
    const { memory, optional } = this.#input;
    const path = `/apis/${OPENSHIFT_CONFIG}/v1/clusteroperators`;
    // Where the server tells its groups, its word counts; else what has no version is no OpenShift.
    const isAbsent =
      memory.groups?.names == null
        ? memory.parts.get("clusterversion")?.kind === "absent"
        : this.#lacks(OPENSHIFT_CONFIG);
    const answer = await optional.ask("clusteroperators", { keepMs: 0, isAbsent }, async (lacks) => {
      const read = (body: ResponseBody) => this.#run("readClusterOperators", { body });
      const pages = await this.#pages(path, { accept: JSON_TYPE }, read, (page) => page.operators.length);
      const skipped = pages.reduce((sum, page) => sum + page.skipped, 0);
      if (skipped > 0) lacks(itemsMalformed(skipped));
      const byName = new Map(pages.flatMap((page) => page.operators).map((row) => [row.name, row]));
      return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    });
    return listed(answer);
  }

  /** The console's URL; where its route cannot be had, the one that OpenShift gives it by convention. */
  async #consoleUrl(): Promise<string | undefined> {
    const { memory, optional, requests, endpoint } = this.#input;
    const path = `/apis/${OPENSHIFT_ROUTE}/v1/namespaces/openshift-console/routes/console`;
    const options = { keepMs: this.#keepMs, isAbsent: this.#lacks(OPENSHIFT_ROUTE) };
    const answer = await optional.ask("console", options, async () =>
      requests.get(path, (body) => this.#run("readConsoleRoute", { body })),
    );
    if (answer.kind === "found") memory.consoleUrl = answer.value.url;
    else if (answer.kind === "absent") memory.consoleUrl = null;
    return memory.consoleUrl ?? conventionalConsoleUrl(endpoint);
  }

  async #operators(): Promise<Extensions["operators"]> {
    const { optional } = this.#input;
    const options = { keepMs: this.#keepMs, isAbsent: this.#lacks(OLM) };
    const answer = await optional.ask("operators", options, async (lacks) => {
      const subscriptions = await this.#unlessForbidden(lacks, () => this.#subscriptions());
      const groups = await this.#unlessForbidden(lacks, () => this.#operatorGroups());
      const path = olmPath("clusterserviceversions");
      const query = { accept: JSON_TYPE, maxPageSize: CSV_PAGE_SIZE, labelSelector: NO_COPIES };
      const read = (body: ResponseBody) => this.#run("readOperators", { body, subscriptions, groups: groups ?? [] });
      const pages = await this.#pages(path, query, read, (page) => page.operators.length);
      const skipped = pages.reduce((sum, page) => sum + page.skipped, 0);
      if (skipped > 0) lacks(itemsMalformed(skipped));
      const rows = pages.flatMap((page) => page.operators);
      const byName = new Map(rows.map((row) => [`${row.name}/${row.namespace}`, row]));
      return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    });
    return listed(answer);
  }

  /** Null, and named, where the credentials may not read it: the operators can be told without. Any other failure is the caller's. */
  async #unlessForbidden<Value>(lacks: (failure: Failure) => void, get: () => Promise<Value>): Promise<Value | null> {
    try {
      return await get();
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code !== "FORBIDDEN") throw error;
      lacks(failure);
      return null;
    }
  }

  async #subscriptions(): Promise<readonly Subscription[]> {
    const read = (body: ResponseBody) => this.#run("readSubscriptions", { body });
    const pages = await this.#pages(
      olmPath("subscriptions"),
      { accept: JSON_TYPE },
      read,
      (page) => page.subscriptions.length,
    );
    return pages.flatMap((page) => page.subscriptions);
  }

  /** A server that has the rest of OLM but no OperatorGroups has none. */
  async #operatorGroups() {
    const path = `/apis/${OLM}/v1/operatorgroups`;
    const read = (body: ResponseBody) => this.#run("readOperatorGroups", { body });
    try {
      const pages = await this.#pages(path, { accept: JSON_TYPE }, read, (page) => page.groups.length);
      return pages.flatMap((page) => page.groups);
    } catch (error) {
      if (ClusterPulseError.is(error) && error.code === "NOT_FOUND") return [];
      throw error;
    }
  }
}

function isDenied(remembered: Remembered | undefined): boolean {
  return remembered?.kind === "absent" || remembered?.kind === "forbidden";
}

function listed<Row>(answer: Answer<readonly Row[]>): readonly Row[] | "absent" | null {
  switch (answer.kind) {
    case "found":
      return answer.value;
    case "absent":
      return "absent";
    case "unchanged":
      return null;
  }
}
