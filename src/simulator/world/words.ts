// Names of what runs in the simulated clusters. No name followed by "-" may begin another one of its list: pods are listed in the
// order of their names by that.

export const teamNames: readonly string[] = [
  "batch",
  "billing",
  "catalog",
  "checkout",
  "data",
  "identity",
  "ingress",
  "ledger",
  "logistics",
  "media",
  "ml",
  "monitoring",
  "notify",
  "payments",
  "platform",
  "search",
  "web",
];

export const systemApps: readonly string[] = ["coredns", "metrics-server"];

export const appNames: readonly string[] = [
  "accounts",
  "api",
  "auth",
  "cache",
  "cart",
  "console",
  "events",
  "frontend",
  "gateway",
  "graphql",
  "indexer",
  "inventory",
  "mailer",
  "orders",
  "pricing",
  "profile",
  "queue",
  "recommender",
  "reports",
  "scheduler",
  "sessions",
  "shipping",
  "thumbnails",
  "webhooks",
];

export const jobNames: readonly string[] = [
  "backup",
  "cleanup",
  "export",
  "import",
  "migrate",
  "nightly",
  "reindex",
  "rotate",
];
