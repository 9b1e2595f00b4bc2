// What /apis says: the groups that a server has.
import { readApiGroups } from "../../src/cluster/api-groups.ts";
import { fold } from "../task.ts";

export const readApiGroupsTask = fold<"readApiGroups">(readApiGroups);
