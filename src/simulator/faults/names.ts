// What the faults are called, everywhere.

export const faultNames = [
  "blackhole",
  "refuse",
  "hang",
  "latency",
  "slowbody",
  "status",
  "reset",
  "truncate",
  "garbage",
  "tls",
  "unauthorized",
  "flap",
  "watch410",
  "watchstall",
] as const;
export type FaultName = (typeof faultNames)[number];
