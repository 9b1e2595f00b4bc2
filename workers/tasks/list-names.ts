// One page of any list to its names.
import { listNames } from "../../src/cluster/names.ts";
import { fold } from "../task.ts";

export const listNamesTask = fold<"listNames">(listNames);
