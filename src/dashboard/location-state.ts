// What the reader looks at, kept in the address (#view=actors&health=unhealthy&q=prod&cluster=prod-1), so that a reload keeps it
// and a colleague can be sent it.
import type { Health } from "./api.ts";
import { healthOrder } from "./fleet-order.ts";

const views = ["fleet", "registries", "metricsources", "actors"] as const;

export interface LocationState {
  readonly view: (typeof views)[number];
  readonly healths: ReadonlySet<Health>;
  readonly text: string;
  /** The cluster whose details are open. */
  readonly cluster: string | null;
}

/** Reads the part of an address after "#". Whatever it does not know is left out. */
export function parseLocation(hash: string): LocationState {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const wanted = (params.get("health") ?? "").split(",");
  return {
    view: views.find((view) => view === params.get("view")) ?? "fleet",
    healths: new Set(healthOrder.filter((health) => wanted.includes(health))),
    text: (params.get("q") ?? "").slice(0, 200),
    cluster: params.get("cluster"),
  };
}

/** The inverse of parseLocation; empty for the plain page. */
export function formatLocation({ view, healths, text, cluster }: LocationState): string {
  const params = new URLSearchParams();
  if (view !== "fleet") params.set("view", view);
  if (healths.size > 0) params.set("health", [...healths].join(","));
  if (text !== "") params.set("q", text);
  if (cluster !== null) params.set("cluster", cluster);
  const hash = params.toString();
  return hash === "" ? "" : `#${hash}`;
}
