// One page of OLM's Subscriptions.
import { readSubscriptions } from "../../src/cluster/operator-inputs.ts";
import { fold } from "../task.ts";

export const readSubscriptionsTask = fold<"readSubscriptions">(readSubscriptions);
