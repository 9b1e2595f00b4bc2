// A real API server for CustomResourceDefinitions, with etcd: built once from source by the Go tool, into the user's cache folder, and
// started on loopback with data in a scratch folder. It serves no built-in kinds, runs no admission and no controllers but its own.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority } from "../support/certificates.ts";
import { freePort } from "../support/ports.ts";
import { eventually } from "../support/processes.ts";
import { Api } from "./api.ts";

const host = "127.0.0.1";
const startDeadlineMs = 120_000;

export interface RealServer {
  readonly api: Api;
  /** What its clients need to be known to it. */
  readonly client: { readonly caPem: string; readonly clientCertificatePem: string; readonly clientKeyPem: string };
  close(): Promise<void>;
}

/** The folder with the built programs; undefined, after saying so, where they cannot be built. */
export function buildServers(): string | undefined {
  const go = ["go", "/usr/local/go/bin/go"].find((file) => spawnSync(file, ["version"]).status === 0);
  if (go === undefined) return missing("there is no Go");
  const sums = readFileSync(join(import.meta.dirname, "go.sum"));
  const id = createHash("sha256").update(sums).digest("hex").slice(0, 16);
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const folder = join(cache, "clusterpulse-hub", `oracle-${id}`);
  if (programs.every((program) => existsSync(join(folder, program)))) return folder;
  mkdirSync(folder, { recursive: true });
  console.log("Building an API server and etcd, which takes some minutes the first time.");
  const built = spawnSync(go, ["install", "tool"], {
    cwd: import.meta.dirname,
    env: { ...process.env, GOBIN: folder, GOFLAGS: "-buildvcs=false -mod=readonly" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return built.status === 0 ? folder : missing("the Go tool could not build it");
}

/** etcd's program is called after the folder of its source. */
const programs = ["apiextensions-apiserver", "server"] as const;

function missing(why: string): undefined {
  const message = `No real API server: ${why}.`;
  if (process.env["CLUSTERPULSE_REQUIRE_SERVICES"] === "1") throw new Error(message);
  console.warn(`SKIPPED: ${message} Nothing was compared.`);
}

/** Starts both programs of `folder`; serves when it resolves. */
export async function startRealServer(folder: string): Promise<RealServer> {
  const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-oracle-"));
  const children: ChildProcess[] = [];
  const start = (program: (typeof programs)[number], flags: Readonly<Record<string, string>>): ChildProcess => {
    const log = openSync(join(scratch, `${program}.log`), "w");
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const child = spawn(join(folder, program), args, { cwd: scratch, stdio: ["ignore", log, log] });
    closeSync(log);
    children.push(child);
    // Nothing of it outlives this process, however that ends.
    process.once("exit", () => child.kill("SIGKILL"));
    return child;
  };
  const close = async (): Promise<void> => {
    for (const child of children.toReversed()) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null && child.kill("SIGTERM")) await ended;
    }
    rmSync(scratch, { recursive: true, force: true });
  };
  try {
    const authority = await createAuthority();
    const serving = await authority.issue();
    const client = await authority.issue({ subject: "O=system:masters, CN=kubernetes-admin" });
    const file = (name: string, text: string): string => {
      writeFileSync(join(scratch, name), text, { mode: 0o600 });
      return join(scratch, name);
    };
    const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
    const etcd = `http://${host}:${etcdPort}`;
    const peers = `http://${host}:${peerPort}`;
    start("server", {
      "data-dir": join(scratch, "etcd"),
      "listen-client-urls": etcd,
      "advertise-client-urls": etcd,
      "listen-peer-urls": peers,
      "initial-advertise-peer-urls": peers,
      "initial-cluster": `default=${peers}`,
      "unsafe-no-fsync": "true",
    });
    const nowhere = file("nowhere.yaml", nowhereKubeconfig);
    const server = start("apiextensions-apiserver", {
      "etcd-servers": etcd,
      "bind-address": host,
      "secure-port": String(port),
      "tls-cert-file": file("tls.crt", serving.certPem),
      "tls-private-key-file": file("tls.key", serving.keyPem),
      "client-ca-file": file("ca.crt", authority.caPem),
      "authentication-skip-lookup": "true",
      "authentication-kubeconfig": nowhere,
      "authorization-kubeconfig": nowhere,
      kubeconfig: nowhere,
      "enable-priority-and-fairness": "false",
      "disable-admission-plugins": admissionThatAsksOthers.join(),
    });
    const api = new Api("the real one", `https://${host}:${port}`, {
      ca: authority.caPem,
      cert: client.certPem,
      key: client.keyPem,
    });
    const isServing = async (): Promise<boolean> => {
      if (server.exitCode !== null) throw new Error(`the API server ended: ${tail(scratch)}`);
      // It also waits for built-in kinds of a server that does not exist.
      const answer = await api.send({ method: "GET", path: "/readyz?exclude=informer-sync" }).catch(() => undefined);
      return answer?.status === 200;
    };
    await eventually(isServing, startDeadlineMs, () => `the API server: ${tail(scratch)}`);
    return {
      api,
      client: { caPem: authority.caPem, clientCertificatePem: client.certPem, clientKeyPem: client.keyPem },
      close: async () => {
        await api.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const tail = (scratch: string): string =>
  readFileSync(join(scratch, "apiextensions-apiserver.log"), "utf8").slice(-2_000);

const admissionThatAsksOthers = [
  "NamespaceLifecycle",
  "MutatingAdmissionWebhook",
  "ValidatingAdmissionWebhook",
  "ValidatingAdmissionPolicy",
  "MutatingAdmissionPolicy",
];

/** It insists on a server to ask about tokens and permissions; the group system:masters is never asked about. */
const nowhereKubeconfig = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "nowhere", cluster: { server: `http://${host}:1` } }],
  contexts: [{ name: "nowhere", context: { cluster: "nowhere", user: "nobody" } }],
  "current-context": "nowhere",
  users: [{ name: "nobody", user: { token: "none" } }],
});
