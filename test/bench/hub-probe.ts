// Preloaded into the hub that a bench measures (NODE_OPTIONS=--import). Counts the TLS handshakes in flight, from outside the hub's own
// admission, and tells their peak on standard error when the process ends. BENCH_LANE=json takes protobuf out of every Accept header
// on its way out, so that the servers answer JSON and the hub itself is what users run.
import { writeSync } from "node:fs";
import tls from "node:tls";
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  countHandshakes();
  if (process.env["BENCH_LANE"] === "json") await askForJson();
}

function countHandshakes(): void {
  const { connect } = tls;
  let inFlight = 0;
  let peak = 0;
  tls.connect = ((...args: Parameters<typeof connect>) => {
    const socket = connect(...args);
    peak = Math.max(peak, ++inFlight);
    let ended = false;
    const end = (): void => {
      if (!ended) inFlight--;
      ended = true;
    };
    socket.once("secureConnect", end).once("close", end);
    return socket;
  }) as typeof connect;
  process.once("exit", () => writeSync(2, `handshakes in flight at most: ${peak}\n`));
}

async function askForJson(): Promise<void> {
  const { Pool } = await import("undici");
  const { dispatch } = Pool.prototype;
  Pool.prototype.dispatch = function (options, handler) {
    const headers = options.headers as Record<string, string>;
    const accept = headers["accept"]
      ?.split(",")
      .filter((type) => !type.startsWith("application/vnd.kubernetes.protobuf"))
      .join();
    return dispatch.call(
      this,
      accept === undefined ? options : { ...options, headers: { ...headers, accept } },
      handler,
    );
  };
}
