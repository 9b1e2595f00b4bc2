// What threads and child processes see of this process's environment: nothing, but for where compiled sources are kept. Without that
// each thread would strip and compile every module itself, and go on holding the memory that it takes: some 17 MB a thread.
import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";

/** To be given as `env`. */
export function bareEnvironment(): Record<string, string> {
  const versioned = getCompileCacheDir();
  return versioned === undefined ? {} : { NODE_COMPILE_CACHE: dirname(versioned) };
}
