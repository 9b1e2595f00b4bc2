// A pull in small: one named manifest and the first bytes of one layer, timed. Digests are verified, so a registry that hands out something
// else is found out.
import { createHash } from "node:crypto";
import { parseJson } from "../kube/body.ts";
import { KubeError } from "../kube/errors.ts";
import type { Clock } from "../support/clock.ts";
import type { RegistryAnswer } from "./http.ts";
import { type RegistrySession, refusal } from "./session.ts";

export interface CanarySpec {
  readonly repository: string;
  readonly reference: string;
}

export interface Pulled {
  readonly manifestMs: number;
  readonly layerMs: number;
}

const maxManifestBytes = 4 << 20;
const maxLayerBytes = 65_536;
const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** Throws KubeError: what the registry answered, or BODY_MALFORMED for a manifest that is none or not the one that was asked for. */
export async function pullCanary(
  session: RegistrySession,
  { repository, reference }: CanarySpec,
  clock: Clock,
  signal: AbortSignal,
): Promise<Pulled> {
  const scope = `repository:${repository}:pull`;
  const startedMs = clock.monotonicMs();
  const manifestOf = async (name: string): Promise<Readonly<Record<string, unknown>>> => {
    const request = { signal, maxBytes: maxManifestBytes, headers: { accept: manifestTypes } };
    const answer = await session.get(`/v2/${repository}/manifests/${name}`, scope, request);
    expectOk(answer, "the canary's manifest", clock);
    const digest = `sha256:${createHash("sha256").update(answer.bytes).digest("hex")}`;
    if (digestPattern.test(name) && digest !== name) {
      throw new KubeError("BODY_MALFORMED", "the canary's manifest does not match its digest");
    }
    return (parseJson(answer.bytes) ?? {}) as Readonly<Record<string, unknown>>;
  };
  let manifest = await manifestOf(reference);
  if (Array.isArray(manifest["manifests"])) manifest = await manifestOf(digestIn(manifest["manifests"]));
  const manifestMs = Math.round(clock.monotonicMs() - startedMs);
  const digest = digestIn(Array.isArray(manifest["layers"]) ? manifest["layers"] : []);
  const layerStartedMs = clock.monotonicMs();
  const range = { range: `bytes=0-${maxLayerBytes - 1}` };
  const request = { signal, maxBytes: maxLayerBytes, prefixOnly: true, headers: range };
  const layer = await session.get(`/v2/${repository}/blobs/${digest}`, scope, request);
  expectOk(layer, "the canary's layer", clock);
  return { manifestMs, layerMs: Math.round(clock.monotonicMs() - layerStartedMs) };
}

function expectOk(answer: RegistryAnswer, what: string, clock: Clock): void {
  if (answer.status !== 200 && answer.status !== 206) throw refusal(answer, what, clock.nowMs());
}

function digestIn(descriptors: readonly unknown[]): string {
  const [first] = descriptors as readonly ({ digest?: unknown } | null)[];
  const digest = first?.digest;
  if (typeof digest === "string" && digestPattern.test(digest)) return digest;
  throw new KubeError("BODY_MALFORMED", "the canary's manifest names no layer");
}
