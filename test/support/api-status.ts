// What a simulated API server would answer.
import { ApiError } from "../../src/simulator/http/status.ts";

/** The HTTP status of what is thrown; 200 when nothing is, -1 when it is no answer of an API server. */
export function statusOf(run: () => unknown): number {
  try {
    run();
    return 200;
  } catch (error) {
    return error instanceof ApiError ? error.status : -1;
  }
}
