// The hub's API server: a store that clients read, watch and write.
import { type Clock, rfc3339 } from "../../support/clock.ts";
import { hashOf } from "../hash.ts";
import { administrator } from "../http/callers.ts";
import { apiVersionOf, type Catalog, type ResourceType, type StoredAs } from "../http/catalog.ts";
import type { Answer, Engine, ResourceRequest, WatchSink } from "../http/engine.ts";
import {
  decodeContinuation,
  encodeContinuation,
  listText,
  readCount,
  readListParameters,
  readResourceVersion,
} from "../http/list.ts";
import { hasProtobuf } from "../http/protobuf.ts";
import { matchesFields, parseFieldSelector, parseLabelSelector } from "../http/selectors.ts";
import { ApiError, apiErrors } from "../http/status.ts";
import { builtInTypes, clusterRoleType, crdType, namespaceType, podType } from "../kinds/types.ts";
import { ServiceAccountTokens } from "./accounts.ts";
import { Authorizer } from "./authorization.ts";
import { ControlLoop } from "./control-loop.ts";
import type { DeleteOptions } from "./deletion.ts";
import { fieldReader, supportedFields } from "./fields.ts";
import { GarbageCollector } from "./garbage.ts";
import { jsonPatch } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";
import { NamespaceController } from "./namespaces.ts";
import { type KubeObject, keyOf, type StoredObject } from "./object.ts";
import { type CrdDocument, checkCrd, establishedCrd, loadCrds, typesOfCrd } from "./resources.ts";
import { type ReviewParts, reviewOf } from "./reviews.ts";
import { scaled, scaleOf } from "./scale.ts";
import { HubStore } from "./store.ts";
import { strategicPatch } from "./strategic-patch.ts";
import { shownAnswer, storedChange, storedRequest } from "./versions.ts";
import { runWatch, type WatchOptions } from "./watch.ts";
import { reportWorkloads } from "./workloads.ts";
import { HubWriter, type WriteTarget } from "./writes.ts";

export interface HubEngineOptions {
  readonly clock: Clock;
  /** Folder with CustomResourceDefinitions. */
  readonly crdFolder: string;
  /** Events per resource that a watch can resume over; 10,000 unless told. */
  readonly historySize?: number;
  /** PEM of the server's authority, for the pods of its namespaces. */
  readonly caPem?: string;
  /** Whether a token is the one that opens everything here; for TokenReviews. */
  readonly isServerToken?: (token: string) => boolean;
}

const defaultHistorySize = 10_000;
const maxOpenSnapshots = 32;
const maxNamedFields = 50;

export class HubEngine implements Engine {
  readonly store: HubStore;
  readonly writer: HubWriter;
  readonly gate: Authorizer;
  readonly #clock: Clock;
  readonly #reviews: ReviewParts;
  /** What paged lists show, by revision and selection: every page is of the moment of the first. Oldest first. */
  readonly #snapshots = new Map<string, readonly StoredObject[]>();

  constructor(options: HubEngineOptions) {
    const crds = loadCrds(options.crdFolder);
    this.#clock = options.clock;
    this.store = new HubStore(builtInTypes, options.historySize ?? defaultHistorySize);
    this.writer = new HubWriter(this.store, options.clock);
    const tokens = new ServiceAccountTokens(this.store, options.clock);
    this.gate = new Authorizer(this.store, tokens);
    const { isServerToken = () => false } = options;
    const serverCaller = (token: string) => (isServerToken(token) ? administrator : undefined);
    this.#reviews = { authorizer: this.gate, tokens, serverCaller };
    const loop = new ControlLoop(options.clock);
    new GarbageCollector(this.store, this.writer, loop);
    new NamespaceController(this.store, this.writer, loop, options.clock, options.caPem ?? "");
    reportWorkloads(this.store, this.writer, loop, options.clock);
    for (const name of ["default", "kube-node-lease", "kube-public", "kube-system"]) {
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
    return {
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
  }

  /** Creates an object from within the process, by the same rules as over the wire. */
  create(type: ResourceType, namespace: string, body: unknown): StoredObject {
    return this.#create({ type, namespace, name: "", subresource: "", dryRun: false, manager: "kube-apiserver" }, body);
  }

  #create(target: WriteTarget, body: unknown): StoredObject {
    if (target.type === crdType) checkCrd(body);
    return this.#establish(target, this.writer.create(target, body));
  }

  /** A definition that was created is served at once. */
  #establish(target: WriteTarget, created: StoredObject): StoredObject {
    if (target.type !== crdType || target.dryRun) return created;
    const crd = created.object as unknown as CrdDocument;
    this.store.serve(typesOfCrd(crd));
    const established = establishedCrd(crd, rfc3339(this.#clock.nowMs()));
    return this.writer.update({ ...target, name: crd.metadata.name, subresource: "status" }, established);
  }

  /** What a write of a definition means for what is served. */
  #changed({ type, dryRun }: WriteTarget, stored: StoredObject): StoredObject {
    if (type === crdType && !dryRun) this.store.serve(typesOfCrd(stored.object as unknown as CrdDocument));
    return stored;
  }

  #withdraw(crd: CrdDocument): void {
    const types = typesOfCrd(crd);
    for (const type of types) {
      const table = this.store.table(type);
      for (const { object } of table.list()) this.store.commit(table.type, "DELETED", object);
    }
    this.store.withdraw(types);
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
        return this.#objectAnswer(request, this.#require(request), 200);
      case "list":
        return this.#list(request);
      case "watch":
        return this.#watch(request);
      case "create":
        return this.#post(request);
      case "update": {
        const { target, warnings } = writeTarget(request);
        if (request.type === crdType) checkCrd(request.body);
        const updated = this.#changed(target, this.writer.update(target, request.body));
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
      const text = JSON.stringify(this.#reviews.tokens.issue(this.#require(request).object, request.body));
      return { type: "body", status: 201, text };
    }
    if (request.subresource === "binding") return this.#bind(request);
    if (request.subresource === "eviction") {
      const { deleteOptions } = (request.body ?? {}) as { readonly deleteOptions?: unknown };
      this.#delete({ ...request, subresource: "", body: deleteOptions });
      return { type: "body", status: 201, text: JSON.stringify({ ...success, code: 201 }) };
    }
    const { target, warnings } = writeTarget(request);
    return this.#objectAnswer(request, this.#create(target, request.body), 201, warnings);
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
    if (verb === "get") return shown(this.#require(request));
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
    const selected = this.#select(request);
    for (const { object } of selected) {
      const { name, namespace = "" } = object.metadata;
      this.#delete({ ...request, verb: "delete", name, namespace });
    }
    return {
      type: "body",
      status: 200,
      text: JSON.stringify({ ...success, details: { kind: request.type.resource } }),
    };
  }

  #require(request: ResourceRequest): StoredObject {
    const found = this.store.table(request.type).get(keyOf(request.namespace, request.name));
    if (found === undefined) throw apiErrors.notFound(request.type, request.name);
    return found;
  }

  #objectAnswer(
    request: ResourceRequest,
    stored: StoredObject,
    status: number,
    warnings: readonly string[] = [],
  ): Answer {
    return { type: "body", status, text: stored.text(request.form), warnings };
  }

  #list(request: ResourceRequest): Answer {
    const { type, form } = request;
    const { limit, continueToken } = readListParameters(request.query, this.store.revision);
    const from =
      continueToken === "" ? { resourceVersion: this.store.revision, next: 0 } : decodeContinuation(continueToken);
    const selection = ["labelSelector", "fieldSelector"].map((name) => request.query.get(name) ?? "");
    const id = JSON.stringify([
      from.resourceVersion,
      apiVersionOf(type),
      type.resource,
      request.namespace,
      ...selection,
    ]);
    const all = from.next === 0 ? this.#select(request) : this.#snapshots.get(id);
    if (all === undefined) {
      throw apiErrors.expired("The provided continue parameter is too old to display a consistent list result");
    }
    const end = limit === 0 ? all.length : Math.min(all.length, from.next + limit);
    const isLast = end >= all.length;
    if (!isLast) this.#keepSnapshot(id, all);
    const text = listText({
      kind: form === "full" ? type.kind : "PartialObjectMetadata",
      apiVersion: form === "full" ? apiVersionOf(type) : "meta.k8s.io/v1",
      resourceVersion: String(from.resourceVersion),
      continueToken: isLast ? "" : encodeContinuation({ resourceVersion: from.resourceVersion, next: end }),
      remainingItemCount: selection.some((text) => text !== "") ? undefined : all.length - end,
      items: all.slice(from.next, end).map((stored) => stored.itemText(form, type.builtIn)),
    });
    return { type: "body", status: 200, text };
  }

  #keepSnapshot(id: string, all: readonly StoredObject[]): void {
    this.#snapshots.delete(id);
    this.#snapshots.set(id, all);
    const [oldest] = this.#snapshots.keys();
    if (this.#snapshots.size > maxOpenSnapshots && oldest !== undefined) this.#snapshots.delete(oldest);
  }

  #select(request: ResourceRequest): readonly StoredObject[] {
    const all = this.store.table(request.type).list();
    const selects = selectorOf(request);
    return selects === undefined ? all : all.filter((stored) => selects(stored.object));
  }

  #watch(request: ResourceRequest): Answer {
    const { query } = request;
    const versionText = query.get("resourceVersion") ?? "";
    const revision = versionText === "" ? 0 : readResourceVersion(versionText);
    if (revision > this.store.revision) throw apiErrors.tooLargeVersion(revision, this.store.revision);
    const bookmarks = query.get("allowWatchBookmarks") === "true";
    const sendInitialEvents = query.get("sendInitialEvents") === "true";
    if (sendInitialEvents && (!bookmarks || query.get("resourceVersionMatch") !== "NotOlderThan")) {
      throw apiErrors.badRequest(
        "sendInitialEvents: needs allowWatchBookmarks=true and resourceVersionMatch=NotOlderThan beside it",
      );
    }
    const timeoutSeconds = readCount(query, "timeoutSeconds") ?? 0;
    const options: WatchOptions = {
      startRevision: revision === 0 || sendInitialEvents ? undefined : revision,
      sendInitialEvents,
      bookmarks,
      timeoutMs: timeoutSeconds === 0 ? this.#defaultWatchMs() : timeoutSeconds * 1000,
      form: request.form,
      selects: selectorOf(request) ?? (() => true),
    };
    const table = this.store.table(request.type);
    return { type: "watch", start: (sink: WatchSink) => runWatch(this.store, table, options, sink, this.#clock) };
  }

  /** Between 30 and 60 minutes, spread so that watches opened together do not end together. */
  #defaultWatchMs(): number {
    return 1_800_000 + (hashOf(this.store.revision, 3) % 1_800_000);
  }

  #apply(request: ResourceRequest): Answer {
    const { target, warnings } = writeTarget(request);
    if (!request.query.get("fieldManager")) {
      throw optionsInvalid("PatchOptions", "fieldManager", "Required value: is required for apply patch");
    }
    const { type, name } = request;
    const body = (request.body ?? {}) as object;
    if (type === crdType) checkCrd({ ...body, metadata: { name, ...(body as Partial<CrdDocument>).metadata } });
    const { stored, isCreated } = this.writer.apply(target, body, request.query.get("force") === "true");
    const shown = isCreated ? this.#establish(target, stored) : this.#changed(target, stored);
    return this.#objectAnswer(request, shown, isCreated ? 201 : 200, warnings);
  }

  #patch(request: ResourceRequest, asked: StoredAs | undefined): Answer {
    if (request.contentType === applyPatchType) return this.#apply(request);
    if (request.query.get("force") !== null) {
      throw optionsInvalid("PatchOptions", "force", "Forbidden: may not be specified for non-apply patch");
    }
    const change = storedChange(patchOf(request), asked);
    const { target, warnings } = writeTarget(request);
    const patched = this.writer.patch(target, (current) => {
      const next = change(current);
      if (request.type === crdType) checkCrd(next);
      return next;
    });
    return this.#objectAnswer(request, this.#changed(target, patched), 200, warnings);
  }

  #delete(request: ResourceRequest): Answer {
    const options = { ...queriedOptions(request.query), ...(request.body as DeleteOptions | undefined) };
    if (request.type === namespaceType && permanentNamespaces.includes(request.name)) {
      const message = `namespaces "${request.name}" is forbidden: this namespace may not be deleted`;
      throw new ApiError(403, "Forbidden", message, { name: request.name, kind: "namespaces" });
    }
    const { target } = writeTarget(request);
    const dryRun = target.dryRun || options.dryRun?.includes("All") === true;
    const { state, gone } = this.writer.delete({ ...target, dryRun }, options);
    if (gone && !dryRun && request.type === crdType) this.#withdraw(state.object as unknown as CrdDocument);
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

const permanentNamespaces = ["default", "kube-public", "kube-system"];

/** Delete options as query parameters, which a body overrides. */
function queriedOptions(query: URLSearchParams): DeleteOptions {
  const policy = query.get("propagationPolicy");
  return policy ? { propagationPolicy: policy } : {};
}

const success = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };

const applyPatchType = "application/apply-patch+yaml";

type Patches = Readonly<Record<string, (target: unknown, patch: unknown) => unknown>>;
const customPatches: Patches = {
  "application/merge-patch+json": mergePatch,
  "application/json-patch+json": jsonPatch,
};
const builtInPatches: Patches = { ...customPatches, "application/strategic-merge-patch+json": strategicPatch };

/** What the patch makes of what it is applied to. Throws ApiError 415 for a form that the type does not take. */
function patchOf({ type, contentType, body }: ResourceRequest): (current: unknown) => unknown {
  const patches = type.builtIn ? builtInPatches : customPatches;
  const apply = patches[contentType];
  if (apply !== undefined) return (current) => apply(current, body);
  const known = [...Object.keys(patches), applyPatchType].join(", ");
  const message = `the body of the request was in an unknown format - accepted media types include: ${known}`;
  throw new ApiError(415, "UnsupportedMediaType", message);
}

/** What is written, and the warnings that the write collects. Throws ApiError 400 for a wrong `fieldValidation`. */
function writeTarget(request: ResourceRequest): { readonly target: WriteTarget; readonly warnings: readonly string[] } {
  const { type, namespace, name, subresource, query, userAgent } = request;
  const warnings: string[] = [];
  const validation = query.get("fieldValidation") || "Warn";
  if (!["Strict", "Warn", "Ignore"].includes(validation)) {
    throw apiErrors.badRequest(`fieldValidation: ${JSON.stringify(validation)}: must be Strict, Warn or Ignore`);
  }
  const onUnknownFields = (fields: readonly string[]): void => {
    const said = fields.slice(0, maxNamedFields).map((field) => `unknown field ${JSON.stringify(field)}`);
    if (validation === "Warn") warnings.push(...said);
    if (validation !== "Strict") return;
    const what = `${type.kind} in version ${JSON.stringify(type.version)} cannot be handled as a ${type.kind}`;
    throw apiErrors.badRequest(`${what}: strict decoding error: ${said.join(", ")}`);
  };
  const dryRun = query.getAll("dryRun").includes("All");
  const manager = query.get("fieldManager") || userAgentManager(userAgent);
  if (manager.length > maxManagerLength) {
    throw optionsInvalid("PatchOptions", "fieldManager", `Too long: may not be more than ${maxManagerLength} bytes`);
  }
  return { target: { type, namespace, name, subresource, dryRun, manager, onUnknownFields }, warnings };
}

const maxManagerLength = 128;

/** Who does not say who it is goes by the name of its program. */
const userAgentManager = (userAgent: string): string =>
  (userAgent.split("/", 1)[0] ?? "").replace(/[^\x20-\x7e]/g, "").slice(0, maxManagerLength) || "unknown";

function optionsInvalid(kind: string, field: string, message: string): ApiError {
  const reason = message.startsWith("Required") ? "FieldValueRequired" : "FieldValueInvalid";
  return new ApiError(422, "Invalid", `${kind}.meta.k8s.io "" is invalid: ${field}: ${message}`, {
    group: "meta.k8s.io",
    kind,
    causes: [{ reason, message, field }],
  });
}

/** What namespace, name and selectors of the request let through; undefined when that is everything. */
function selectorOf(request: ResourceRequest): ((object: KubeObject) => boolean) | undefined {
  const labels = parseLabelSelector(request.query.get("labelSelector"));
  const fields = [
    ...parseFieldSelector(request.query.get("fieldSelector"), supportedFields(request.type)),
    ...(request.namespace === "" ? [] : [{ field: "metadata.namespace", equal: true, value: request.namespace }]),
    ...(request.name === "" ? [] : [{ field: "metadata.name", equal: true, value: request.name }]),
  ];
  if (labels === undefined && fields.length === 0) return undefined;
  return (object) =>
    (labels === undefined || labels(object.metadata.labels)) && matchesFields(fields, fieldReader(object));
}
