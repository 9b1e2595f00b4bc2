// The hub's API server: a store that clients read, watch and write, and controllers that react to it. Here requests find who does them.
import type { Clock } from "../../support/clock.ts";
import { administrator } from "../http/callers.ts";
import { apiVersionOf, type Catalog, type ResourceType, type StoredAs } from "../http/catalog.ts";
import type { Answer, Engine, ResourceRequest } from "../http/engine.ts";
import { listText } from "../http/list.ts";
import { hasProtobuf } from "../http/protobuf.ts";
import { ApiError, apiErrors } from "../http/status.ts";
import { builtInTypes, clusterRoleType, crdType, namespaceType, podType } from "../kinds/types.ts";
import { ServiceAccountTokens } from "./accounts.ts";
import { Authorizer } from "./authorization.ts";
import { ControlLoop } from "./control-loop.ts";
import { checkCrd } from "./definition-checks.ts";
import { Definitions } from "./definitions.ts";
import { checkBudgets } from "./eviction.ts";
import { GarbageCollector } from "./garbage.ts";
import { NamespaceController } from "./namespaces.ts";
import type { KubeObject, StoredObject } from "./object.ts";
import { HubReader } from "./reads.ts";
import { type CrdDocument, loadCrds } from "./resources.ts";
import { type ReviewParts, reviewOf } from "./reviews.ts";
import { scaled, scaleOf } from "./scale.ts";
import { HubStore, type StoreBase, type StoreEvent } from "./store.ts";
import { shownAnswer, storedChange, storedRequest } from "./versions.ts";
import { reportWorkloads } from "./workloads.ts";
import { applyOf, deleteOptionsOf, patchOf, writeTarget } from "./write-requests.ts";
import { HubWriter, type WriteTarget } from "./writes.ts";

export interface HubEngineOptions {
  readonly clock: Clock;
  /** Folder with CustomResourceDefinitions to begin with. */
  readonly crdFolder?: string;
  /** What is there before anything is written. Without it: the namespaces of a new server. */
  readonly base?: StoreBase;
  /** The answer of GET /version, where it is another one. */
  readonly version?: () => Record<string, string>;
  /** Events per resource that a watch can resume over; 10,000 unless told. */
  readonly historySize?: number;
  /** PEM of the server's authority, for the pods of its namespaces. */
  readonly caPem?: string;
  /** Whether a token is the one that opens everything here; for TokenReviews. */
  readonly isServerToken?: (token: string) => boolean;
}

const defaultHistorySize = 10_000;

export class HubEngine implements Engine {
  readonly store: HubStore;
  readonly writer: HubWriter;
  readonly gate: Authorizer;
  readonly #reader: HubReader;
  readonly #definitions: Definitions;
  readonly #reviews: ReviewParts;
  readonly #tokens: ServiceAccountTokens;
  readonly #version: () => Record<string, string>;

  constructor(options: HubEngineOptions) {
    const crds = options.crdFolder === undefined ? [] : loadCrds(options.crdFolder);
    this.#version = options.version ?? (() => ownVersion);
    this.store = new HubStore(builtInTypes, options.historySize ?? defaultHistorySize, options.base);
    this.writer = new HubWriter(this.store, options.clock);
    this.#reader = new HubReader(this.store, options.clock);
    this.#definitions = new Definitions(this.store, this.writer, options.clock);
    const tokens = new ServiceAccountTokens(this.store, options.clock);
    this.gate = new Authorizer(this.store, tokens);
    const { isServerToken = () => false } = options;
    const serverCaller = (token: string) => (isServerToken(token) ? administrator : undefined);
    this.#reviews = { authorizer: this.gate, tokens, serverCaller };
    this.#tokens = tokens;
    const loop = new ControlLoop(options.clock);
    new GarbageCollector(this.store, this.writer, loop);
    new NamespaceController(this.store, this.writer, loop, options.clock, options.caPem ?? "");
    reportWorkloads(this.store, this.writer, loop, options.clock);
    for (const name of options.base === undefined ? firstNamespaces : []) {
      this.create(namespaceType, "", { metadata: { name } });
    }
    this.create(clusterRoleType, "", {
      metadata: { name: "cluster-admin" },
      rules: this.gate.rulesOf(administrator, ""),
    });
    for (const crd of crds) this.create(crdType, "", crd);
  }

  readonly isImmutable = false;

  get catalog(): Catalog {
    return this.store.catalog;
  }

  hasProtobuf(type: ResourceType): boolean {
    return hasProtobuf(type);
  }

  version(): Record<string, string> {
    return this.#version();
  }

  /** Creates an object from within the process, by the same rules as over the wire; but definitions are not checked. */
  create(type: ResourceType, namespace: string, body: unknown): StoredObject {
    const target = { type, namespace, name: "", subresource: "", dryRun: false, manager: "kube-apiserver" };
    return this.#settled(target, this.writer.create(target, body));
  }

  /** Stores a state that an object had before, by no rule; what is served follows from definitions. */
  reinstate(type: ResourceType, change: StoreEvent["type"], object: KubeObject): void {
    const stored = this.store.commit(type, change, object);
    if (type === crdType) this.#definitions.settle(stored);
  }

  /** What was written, once what is served follows from it. */
  #settled({ type, dryRun }: WriteTarget, stored: StoredObject): StoredObject {
    return type === crdType && !dryRun ? this.#definitions.settle(stored) : stored;
  }

  answer(request: ResourceRequest): Answer {
    const { storedAs } = request.type;
    if (storedAs === undefined) return this.#answer(request);
    return shownAnswer(this.#answer(storedRequest(request, storedAs), storedAs), request, storedAs);
  }

  /** @param asked the form that a patch is meant for, where it is not the stored one */
  #answer(request: ResourceRequest, asked?: StoredAs): Answer {
    if (request.subresource === "scale") return this.#scale(request);
    switch (request.verb) {
      case "get":
        if (request.subresource === "log") throw apiErrors.badRequest("simulated pods write no logs");
        return this.#objectAnswer(request, this.#reader.require(request), 200);
      case "list":
        return this.#reader.list(request);
      case "watch":
        return this.#reader.watch(request);
      case "create":
        return this.#post(request);
      case "update": {
        const { target, warnings } = writeTarget(request);
        if (request.type === crdType) checkCrd(request.body, this.#definitions.find(request.name));
        const updated = this.#settled(target, this.writer.update(target, request.body));
        return this.#objectAnswer(request, updated, 200, warnings);
      }
      case "patch":
        return this.#patch(request, asked);
      case "delete":
        return this.#delete(request);
      case "deletecollection":
        return this.#deleteCollection(request);
    }
  }

  #post(request: ResourceRequest): Answer {
    const review = reviewOf(request, this.#reviews);
    if (review !== undefined) return review;
    if (request.subresource === "token") {
      const text = JSON.stringify(this.#tokens.issue(this.#reader.require(request).object, request.body));
      return { type: "body", status: 201, text };
    }
    if (request.subresource === "binding") return this.#bind(request);
    if (request.subresource === "eviction") {
      const { deleteOptions } = (request.body ?? {}) as { readonly deleteOptions?: unknown };
      checkBudgets(this.store, this.#reader.require(request).object);
      this.#delete({ ...request, subresource: "", body: deleteOptions });
      return { type: "body", status: 201, text: JSON.stringify({ ...success, code: 201 }) };
    }
    const { target, warnings } = writeTarget(request);
    if (request.type === crdType) checkCrd(request.body);
    const created = this.#settled(target, this.writer.create(target, request.body));
    return this.#objectAnswer(request, created, 201, warnings);
  }

  #scale(request: ResourceRequest): Answer {
    const { type, verb, body } = request;
    const paths = type.scale;
    if (paths === undefined) throw apiErrors.unknownPath();
    const shown = ({ object }: StoredObject): Answer => ({
      type: "body",
      status: 200,
      text: JSON.stringify(scaleOf(paths, object)),
    });
    if (verb === "get") return shown(this.#reader.require(request));
    const change = verb === "patch" ? patchOf(request) : () => body;
    const { target } = writeTarget(request);
    const write = (current: KubeObject) => scaled(type, paths, current, change(scaleOf(paths, current)));
    return shown(this.writer.patch(target, write));
  }

  #bind(request: ResourceRequest): Answer {
    const { target: node } = (request.body ?? {}) as { readonly target?: { readonly name?: unknown } };
    const nodeName = node?.name;
    if (typeof nodeName !== "string" || nodeName === "") {
      throw apiErrors.invalid(request.type, request.name, "target.name", "Required value");
    }
    this.writer.patch(writeTarget({ ...request, subresource: "" }).target, (current) => {
      const spec = (current["spec"] ?? {}) as { readonly nodeName?: string };
      if (spec.nodeName) {
        const why = `pod ${request.name} is already assigned to node ${JSON.stringify(spec.nodeName)}`;
        throw apiErrors.conflict({ group: "", resource: "pods/binding" }, request.name, why);
      }
      return { ...current, spec: { ...spec, nodeName } };
    });
    return { type: "body", status: 201, text: JSON.stringify({ ...success, code: 201 }) };
  }

  #deleteCollection(request: ResourceRequest): Answer {
    const { type, form } = request;
    const states = this.#reader.select(request).map(({ object }) => {
      const { name, namespace = "" } = object.metadata;
      return this.#deleted({ ...request, verb: "delete", name, namespace }).state;
    });
    const text = listText({
      kind: form === "full" ? type.kind : "PartialObjectMetadata",
      apiVersion: form === "full" ? apiVersionOf(type) : "meta.k8s.io/v1",
      resourceVersion: String(this.store.revision),
      continueToken: "",
      remainingItemCount: undefined,
      isCustom: !type.builtIn,
      items: states.map((state) => state.itemText(form, type.builtIn)),
    });
    return { type: "body", status: 200, text };
  }

  #objectAnswer(
    request: ResourceRequest,
    stored: StoredObject,
    status: number,
    warnings: readonly string[] = [],
  ): Answer {
    return { type: "body", status, text: stored.text(request.form), warnings };
  }

  #apply(request: ResourceRequest, force: boolean): Answer {
    const { target, warnings } = writeTarget(request);
    const { type, name } = request;
    const body = (request.body ?? {}) as { readonly metadata?: object };
    if (type === crdType) checkCrd({ ...body, metadata: { name, ...body.metadata } }, this.#definitions.find(name));
    const { stored, isCreated } = this.writer.apply(target, body, force);
    return this.#objectAnswer(request, this.#settled(target, stored), isCreated ? 201 : 200, warnings);
  }

  #patch(request: ResourceRequest, asked: StoredAs | undefined): Answer {
    const apply = applyOf(request);
    if (apply !== undefined) return this.#apply(request, apply.force);
    const change = storedChange(patchOf(request), asked);
    const { target, warnings } = writeTarget(request);
    const patched = this.writer.patch(target, (current) => {
      const next = change(current);
      if (request.type === crdType) checkCrd(next, current as unknown as CrdDocument);
      return next;
    });
    return this.#objectAnswer(request, this.#settled(target, patched), 200, warnings);
  }

  #deleted(request: ResourceRequest): { readonly state: StoredObject; readonly gone: boolean } {
    const options = deleteOptionsOf(request);
    if (request.type === namespaceType && permanentNamespaces.includes(request.name)) {
      const message = `namespaces "${request.name}" is forbidden: this namespace may not be deleted`;
      throw new ApiError(403, "Forbidden", message, { name: request.name, kind: "namespaces" });
    }
    const { target } = writeTarget(request);
    const dryRun = target.dryRun || options.dryRun?.includes("All") === true;
    const deleted = this.writer.delete({ ...target, dryRun }, options);
    this.#settled({ ...target, dryRun }, deleted.state);
    return deleted;
  }

  #delete(request: ResourceRequest): Answer {
    const { state, gone } = this.#deleted(request);
    if (!gone || request.type === podType) return this.#objectAnswer(request, state, 200);
    const { group, resource } = request.type;
    const details = {
      name: request.name,
      ...(group === "" ? {} : { group }),
      kind: resource,
      uid: state.object.metadata.uid,
    };
    return { type: "body", status: 200, text: JSON.stringify({ ...success, details }) };
  }
}

const ownVersion: Record<string, string> = {
  major: "1",
  minor: "33",
  gitVersion: "v1.33.2",
  gitCommit: "0".repeat(40),
  gitTreeState: "clean",
  buildDate: "2026-01-01T00:00:00Z",
  goVersion: "go1.24.4",
  compiler: "gc",
  platform: "linux/amd64",
};

const firstNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"];
const permanentNamespaces = ["default", "kube-public", "kube-system"];
const success = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };
