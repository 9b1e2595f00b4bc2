// Health as a label with an icon and a word: never colour alone.
import { Label } from "@patternfly/react-core/dist/esm/components/Label";
import QuestionCircleIcon from "@patternfly/react-icons/dist/esm/icons/question-circle-icon";
import type { Health } from "./api.ts";

const statuses = { unhealthy: "danger", degraded: "warning", healthy: "success" } as const;

export const healthTitles: Readonly<Record<Health, string>> = {
  unhealthy: "Unhealthy",
  degraded: "Degraded",
  unknown: "Unknown",
  healthy: "Healthy",
};

export function HealthLabel({ health }: { readonly health: Health }) {
  if (health === "unknown") {
    return (
      <Label isCompact variant="outline" icon={<QuestionCircleIcon />}>
        {healthTitles.unknown}
      </Label>
    );
  }
  // Healthy is the quiet case: only what is broken gets a filled label.
  return (
    <Label isCompact status={statuses[health]} variant={health === "healthy" ? "outline" : "filled"}>
      {healthTitles[health]}
    </Label>
  );
}
