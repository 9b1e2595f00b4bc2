// One orderly stop however it is asked for, and a second request that does not wait.

/**
 * Resolves when the process is asked to end: SIGINT, SIGTERM, SIGHUP, or the loss of the parent that started it over IPC.
 * A second signal ends the process at once with exit code 130.
 */
export function untilAskedToStop(): Promise<"signal" | "parent-gone"> {
  return new Promise((resolve) => {
    let asked = false;
    const signal = (): void => {
      if (asked) process.exit(130);
      asked = true;
      resolve("signal");
    };
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, signal);
    if (process.connected) process.once("disconnect", () => resolve("parent-gone"));
  });
}
