// OpenShift's console route.
import { readConsoleRoute } from "../../src/cluster/openshift.ts";
import { fold } from "../task.ts";

export const readConsoleRouteTask = fold<"readConsoleRoute">(readConsoleRoute);
