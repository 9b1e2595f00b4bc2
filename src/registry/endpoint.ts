// Where a registry is, as its owner wrote it: a host with an optional port, or a URL. Pure.
import { ClusterPulseError } from "../support/errors.ts";

/** What images of Docker Hub are named by is no registry itself, and where its registry is. */
const dockerHub = { name: "docker.io", host: "registry-1.docker.io" };

/**
 * The registry's URL without a slash at its end; paths below it are kept. Without a scheme https is meant, or http when it is `insecure`.
 * Throws ENDPOINT_INVALID for what is no http(s) URL.
 */
export function registryUrl(endpoint: string, insecure = false): string {
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(endpoint);
  const url = URL.parse(hasScheme ? endpoint : `${insecure ? "http" : "https"}://${endpoint}`);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new ClusterPulseError("ENDPOINT_INVALID", "the endpoint must be a host or an http(s) URL");
  }
  if (url.host === dockerHub.name) url.host = dockerHub.host;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}
