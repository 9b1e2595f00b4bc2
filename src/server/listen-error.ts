// Why a port could not be listened on, in one sentence that says what to do.
import { ClusterPulseError } from "../support/errors.ts";

/** PORT_IN_USE or LISTEN_FAILED. @param flag the flag that chooses another port */
export function listenError(error: unknown, host: string, port: number, flag = "--port"): ClusterPulseError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "EADDRINUSE") {
    return new ClusterPulseError("PORT_IN_USE", `Port ${port} on ${host} is in use; choose another one with ${flag}.`);
  }
  const reason = /^E[A-Z]{2,20}$/.test(code) ? ` (${code})` : "";
  return new ClusterPulseError(
    "LISTEN_FAILED",
    `Cannot listen on port ${port} of ${host}${reason}; choose another one with ${flag}.`,
  );
}
