// The simulated hub API as an operator uses it: a kubeconfig on disk, and requests with its credentials.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HubKubeconfig, loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { createTransport } from "../../src/kube/transport.ts";
import type { Simulator } from "../../src/simulator/index.ts";

export interface HubApi {
  readonly kubeconfigFile: string;
  readonly kubeconfig: HubKubeconfig;
  get<T>(path: string): Promise<T>;
  post(path: string, body: object): Promise<void>;
  /** A merge patch. */
  patch(path: string, body: object): Promise<void>;
  delete(path: string): Promise<void>;
  /** Removes the file and closes the connections. */
  close(): Promise<void>;
}

export async function openHubApi(simulator: Pick<Simulator, "kubeconfig">): Promise<HubApi> {
  const folder = mkdtempSync(join(tmpdir(), "clusterpulse-api-"));
  const kubeconfigFile = join(folder, "kubeconfig");
  writeFileSync(kubeconfigFile, simulator.kubeconfig(), { mode: 0o600 });
  const kubeconfig = await loadHubKubeconfig({ path: kubeconfigFile, env: {} });
  const transport = createTransport(kubeconfig.credentials, {}, "test");
  const ask = async (method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: object): Promise<unknown> => {
    const contentType = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const options = { signal: AbortSignal.timeout(30_000), maxBytes: 16 << 20, ...(body && { body, contentType }) };
    return (await transport.requestJson(method, path, options)).body;
  };
  return {
    kubeconfigFile,
    kubeconfig,
    get: async <T>(path: string) => (await ask("GET", path)) as T,
    post: async (path, body) => void (await ask("POST", path, body)),
    patch: async (path, body) => void (await ask("PATCH", path, body)),
    delete: async (path) => void (await ask("DELETE", path)),
    async close() {
      await transport.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
