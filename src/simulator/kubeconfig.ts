// The kubeconfig of a simulated fleet: one context per API server, `hub` first. It holds credentials: files are to be 0600.
import { stringify } from "yaml";

export interface KubeconfigServer {
  /** Of context, cluster and user alike. */
  readonly name: string;
  readonly url: string;
  readonly token: string;
}

/** YAML text with the authority's certificate and the tokens inside, so that it needs no other file. `namespace` is that of the context `hub`. */
export function kubeconfigText(
  servers: readonly KubeconfigServer[],
  caPem: string,
  namespace: string,
  current = servers[0]?.name ?? "",
): string {
  const authority = Buffer.from(caPem).toString("base64");
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": current,
    clusters: servers.map(({ name, url }) => ({
      name,
      cluster: { server: url, "certificate-authority-data": authority },
    })),
    users: servers.map(({ name, token }) => ({ name, user: { token } })),
    contexts: servers.map(({ name }) => ({
      name,
      context: { cluster: name, user: name, ...(name === "hub" ? { namespace } : {}) },
    })),
  });
}
