// Every fault by its name. A new fault is a name in names.ts and an entry here.
import { hang, latency, reset, slowbody, status, truncate, unauthorized } from "./kinds/answers.ts";
import { blackhole, flap, refuse, tls } from "./kinds/connections.ts";
import { garbage } from "./kinds/garbage.ts";
import type { FaultKind } from "./kinds/kind.ts";
import { watch410, watchstall } from "./kinds/watches.ts";
import type { FaultName } from "./names.ts";

export const faultKinds = {
  blackhole,
  refuse,
  hang,
  latency,
  slowbody,
  status,
  reset,
  truncate,
  garbage,
  tls,
  unauthorized,
  flap,
  watch410,
  watchstall,
} as const satisfies Readonly<Record<FaultName, FaultKind>>;
