// Credentials of the hub's own API server, from where Kubernetes users expect them: an explicit file, the files of
// $KUBECONFIG (the first definition of a name wins), ~/.kube/config, the service account of the pod.
// The only module that loads @kubernetes/client-node, and only when there is a kubeconfig to read; a process that lives long lets a
// child do that, unless the credentials expire and will be read again.
import { fork } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Cluster, KubeConfig, User } from "@kubernetes/client-node";
import { bareEnvironment } from "../support/bare-environment.ts";
import { systemClock } from "../support/clock.ts";
import { ClusterCredentials, type CredentialParts, CredentialsError } from "./credentials.ts";

export interface HubKubeconfig {
  readonly credentials: ClusterCredentials;
  /** Namespace of the context or of the pod, if one is set. */
  readonly namespace: string | undefined;
  /** Where the credentials come from, for people. */
  readonly source: string;
  /** Reads them again, for those that expire: tokens of exec plugins, of auth providers and of service accounts. */
  readonly refresh?: () => Promise<ClusterCredentials>;
}

export interface KubeconfigOptions {
  /** The file to use; nothing else is looked at then. */
  readonly path?: string | undefined;
  /** The context to use instead of the current one. */
  readonly context?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory?: string;
  readonly serviceAccountDirectory?: string;
  /** Reads files in a process of its own, which takes the fifty megabytes of the library along when it ends. */
  readonly inChild?: boolean;
}

const maxFileBytes = 4 << 20;
const execDeadlineMs = 30_000;
const childDeadlineMs = 30_000;

/** Whether an environment is that of a pod, wherever the credentials come from. */
export function runsInPod(env: KubeconfigOptions["env"]): boolean {
  return env["KUBERNETES_SERVICE_HOST"] !== undefined;
}

/** Throws CredentialsError; its message says which file, context or field, and what would be right. */
export async function loadHubKubeconfig(options: KubeconfigOptions): Promise<HubKubeconfig> {
  const files = await kubeconfigFiles(options);
  if (files.length > 0) return fromFiles({ files, contextName: options.context }, options.inChild ?? false);
  const directory = options.serviceAccountDirectory ?? "/var/run/secrets/kubernetes.io/serviceaccount";
  if (runsInPod(options.env) && (await exists(join(directory, "token")))) {
    return fromServiceAccount(options.env, directory);
  }
  const tried = "--kubeconfig, $KUBECONFIG, ~/.kube/config and the pod's service account";
  throw missing(`no kubeconfig found: looked at ${tried}`);
}

async function kubeconfigFiles(options: KubeconfigOptions): Promise<string[]> {
  if (options.path !== undefined) return [options.path];
  const listed = (options.env["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  if (listed.length === 0) {
    const preset = join(options.homeDirectory ?? options.env["HOME"] ?? homedir(), ".kube", "config");
    return (await exists(preset)) ? [preset] : [];
  }
  // As kubectl does: files of the list that do not exist are passed over, but not all of them.
  const present = await Promise.all(listed.map(exists));
  const files = listed.filter((_, i) => present[i]);
  if (files.length === 0) throw missing(`none of the files of $KUBECONFIG exists: ${listed.join(", ")}`);
  return files;
}

/** A context in files, of which the first that defines a name wins; the current context without a name. */
export interface ContextReference {
  readonly files: readonly string[];
  readonly contextName: string | undefined;
}

export interface OpenContext {
  readonly source: string;
  readonly namespace: string | undefined;
  /** `read` runs an exec plugin or an auth provider, and gives other credentials later. */
  readonly expires: boolean;
  readonly read: () => Promise<CredentialParts>;
}

/** What the child tells of a context whose credentials do not expire. */
export type ReadContext = Pick<OpenContext, "source" | "namespace"> & { readonly parts: CredentialParts };

async function fromFiles(reference: ContextReference, inChild: boolean): Promise<HubKubeconfig> {
  const told = inChild ? await readInChild(reference) : undefined;
  if (told !== undefined) {
    const { parts, namespace, source } = told;
    return { credentials: new ClusterCredentials(parts), namespace, source };
  }
  const { expires, namespace, source, ...opened } = await openContext(reference);
  const read = async () => new ClusterCredentials(await opened.read());
  return { credentials: await read(), namespace, source, ...(expires && { refresh: singleFlight(read) }) };
}

/** Undefined: it is to be read here, because it expires, cannot be used, or the child failed. */
function readInChild(reference: ContextReference): Promise<ReadContext | undefined> {
  const child = fork(new URL("./kubeconfig-child.ts", import.meta.url), [JSON.stringify(reference)], {
    env: bareEnvironment(),
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  return new Promise<ReadContext | undefined>((resolve) => {
    const cancel = systemClock.setTimer(() => child.kill("SIGKILL"), childDeadlineMs);
    const end = (told?: ReadContext): void => {
      cancel();
      resolve(told);
    };
    child.once("message", (message) => end(message as ReadContext));
    child.once("disconnect", () => end());
    child.once("error", () => end());
  });
}

/** Throws CredentialsError. */
export async function openContext({ files, contextName }: ContextReference): Promise<OpenContext> {
  const config = await mergeFiles(files);
  const source = `kubeconfig ${files.join(", ")}`;
  const name = contextName ?? config.currentContext;
  if (!name) throw invalid(`${source} has no current context: choose one with --context`);
  config.setCurrentContext(name);
  const context = config.contexts.find((candidate) => candidate.name === name);
  if (context === undefined) throw invalid(`${source} has no context "${name}"`);
  const cluster = config.clusters.find((candidate) => candidate.name === context.cluster);
  if (cluster === undefined) throw invalid(`context "${name}" of ${source} names a cluster that is not there`);
  const user = config.users.find((candidate) => candidate.name === context.user);
  if (context.user && user === undefined)
    throw invalid(`context "${name}" of ${source} names a user that is not there`);
  refuseUnsupported(cluster, user, source);
  const expires = Boolean(user?.exec || user?.authProvider);
  const read = () => readCredentials(config, cluster, user, source);
  return { source, namespace: context.namespace, expires, read };
}

async function mergeFiles(files: readonly string[]): Promise<KubeConfig> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const merged = new KubeConfig();
  merged.loadFromOptions({ clusters: [], users: [], contexts: [], currentContext: "" });
  for (const file of files) {
    if ((await size(file)) > maxFileBytes) throw invalid(`kubeconfig ${file} is larger than ${maxFileBytes} bytes`);
    const one = new KubeConfig();
    try {
      one.loadFromFile(file);
    } catch {
      // The parser's own message may quote the file, tokens included.
      throw invalid(`kubeconfig ${file} cannot be read, or is not YAML with clusters, users and contexts`);
    }
    merged.loadFromOptions({
      clusters: firstOfEach([...merged.clusters, ...one.clusters]),
      users: firstOfEach([...merged.users, ...one.users]),
      contexts: firstOfEach([...merged.contexts, ...one.contexts]),
      currentContext: merged.currentContext || one.currentContext,
    });
  }
  return merged;
}

/** What would silently act otherwise than the file says is refused. */
function refuseUnsupported(cluster: Cluster, user: User | undefined, source: string): void {
  if (cluster.proxyUrl) throw invalid(`${source}: proxy-url is not supported`);
  if (user?.username)
    throw invalid(`${source}: user name and password are not supported, use a token or a client certificate`);
  if (user?.impersonateUser) throw invalid(`${source}: impersonation is not supported`);
}

async function readCredentials(
  config: KubeConfig,
  cluster: Cluster,
  user: User | undefined,
  source: string,
): Promise<CredentialParts> {
  const fresh = user?.exec || user?.authProvider ? await runAuthenticator(config, cluster, source) : {};
  return {
    server: cluster.server,
    token: fresh.token ?? user?.token,
    caPem: await fileOrData(cluster.caFile, cluster.caData, source),
    clientCertificatePem: fresh.clientCertificatePem ?? (await fileOrData(user?.certFile, user?.certData, source)),
    clientKeyPem: fresh.clientKeyPem ?? (await fileOrData(user?.keyFile, user?.keyData, source)),
    tlsServerName: cluster.tlsServerName || undefined,
    insecureSkipTlsVerify: cluster.skipTLSVerify,
  };
}

async function runAuthenticator(
  config: KubeConfig,
  cluster: Cluster,
  source: string,
): Promise<Partial<CredentialParts>> {
  // The library refuses http:// servers before it has asked the plugin; the address plays no part in its answer.
  const { KubeConfig } = await import("@kubernetes/client-node");
  const { name } = cluster;
  const https = Object.assign(new KubeConfig(), config, {
    clusters: [{ name, server: "https://unused", skipTLSVerify: false }],
  });
  const options: { headers?: Record<string, unknown>; cert?: unknown; key?: unknown } = {};
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = systemClock.setTimer(reject, execDeadlineMs);
  });
  try {
    await Promise.race([https.applyToHTTPSOptions(options as Parameters<KubeConfig["applyToHTTPSOptions"]>[0]), late]);
  } catch {
    throw invalid(
      `${source}: the user's exec plugin or auth provider gave no credentials within ${execDeadlineMs / 1000} s`,
    );
  } finally {
    cancel();
  }
  const authorization = String(options.headers?.["Authorization"] ?? "");
  return {
    token: authorization.startsWith("Bearer ") ? authorization.slice("Bearer ".length) : undefined,
    clientCertificatePem: text(options.cert),
    clientKeyPem: text(options.key),
  };
}

async function fromServiceAccount(env: KubeconfigOptions["env"], directory: string): Promise<HubKubeconfig> {
  const host = env["KUBERNETES_SERVICE_HOST"] as string;
  const port = env["KUBERNETES_SERVICE_PORT"] ?? "443";
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const read = async () =>
    new ClusterCredentials({
      server,
      token: await readText(join(directory, "token"), "the pod's service account"),
      caPem: await readText(join(directory, "ca.crt"), "the pod's service account"),
    });
  const namespaceFile = join(directory, "namespace");
  const namespace = (await exists(namespaceFile))
    ? (await readText(namespaceFile, "the pod's service account")).trim()
    : undefined;
  return { credentials: await read(), namespace, source: "the pod's service account", refresh: singleFlight(read) };
}

/** Calls that overlap share one run. */
function singleFlight<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  };
}

function firstOfEach<T extends { name: string }>(entries: readonly T[]): T[] {
  const byName = new Map<string, T>();
  for (const entry of entries) if (!byName.has(entry.name)) byName.set(entry.name, entry);
  return [...byName.values()];
}

async function fileOrData(
  file: string | undefined,
  data: string | undefined,
  source: string,
): Promise<string | undefined> {
  if (data) return Buffer.from(data, "base64").toString("utf8");
  return file ? readText(file, source) : undefined;
}

async function readText(file: string, source: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch {
    throw missing(`${source}: ${file} cannot be read`);
  }
}

async function exists(path: string): Promise<boolean> {
  return (await size(path)) >= 0;
}

/** Bytes of the file, -1 if there is none. */
async function size(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : -1;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" || Buffer.isBuffer(value) ? value.toString() : undefined;
}

function missing(message: string): CredentialsError {
  return new CredentialsError("CREDENTIALS_MISSING", message);
}

function invalid(message: string): CredentialsError {
  return new CredentialsError("CREDENTIALS_INVALID", message);
}
