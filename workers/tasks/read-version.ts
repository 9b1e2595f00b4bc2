// What /version says.
import { readVersion } from "../../src/cluster/version.ts";
import { fold } from "../task.ts";

export const readVersionTask = fold<"readVersion">(readVersion);
