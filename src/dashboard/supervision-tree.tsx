// The hub's own actors, by supervisor: state, mailbox, runs, errors. Fetched every 2 s while the page is looked at.
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { EmptyState } from "@patternfly/react-core/dist/esm/components/EmptyState";
import { Spinner } from "@patternfly/react-core/dist/esm/components/Spinner";
import { Switch } from "@patternfly/react-core/dist/esm/components/Switch";
import { type ReactNode, useMemo, useState } from "react";
import { actorColumns } from "./actor-columns.tsx";
import { processedPerSecond } from "./actor-rate.ts";
import { type ActorNode, buildActorTree, flattenActorTree, totalsOf } from "./actor-tree.ts";
import { Age } from "./age.tsx";
import { parseStamp } from "./ages.ts";
import { fetchActors } from "./api.ts";
import { currentTickMs } from "./ticker.ts";
import { formatCount } from "./units.ts";
import { usePolled } from "./use-polled.ts";
import { VirtualTable } from "./virtual-table.tsx";

const pollMs = 2000;

export function SupervisionTree({ text }: { readonly text: string }) {
  const { answer, previous, problem } = usePolled(fetchActors, pollMs);
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [onlyTroubled, setOnlyTroubled] = useState(false);
  const roots = useMemo(() => buildActorTree(answer?.actors ?? [], currentTickMs()), [answer]);
  const rows = useMemo(
    () => flattenActorTree(roots, { folded, onlyTroubled, text }),
    [roots, folded, onlyTroubled, text],
  );
  const columns = useMemo(() => actorColumns((path) => setFolded((paths) => toggled(paths, path))), []);

  if (answer === null) {
    return problem === null ? (
      <EmptyState titleText="Loading the supervision tree" icon={Spinner} headingLevel="h2" />
    ) : (
      <EmptyState
        titleText={`The supervision tree could not be loaded. ${problem}`}
        status="danger"
        headingLevel="h2"
      />
    );
  }
  const totals = totalsOf(answer.actors, currentTickMs());
  const perSecond = processedPerSecond(previous, answer);
  return (
    <div className="cp-fill cp-tree">
      {problem !== null && <Alert isInline variant="danger" title={`Not current: ${problem} Trying again.`} />}
      <div className="cp-totals">
        <Total title="actors" value={totals.actors} />
        <Total title="troubled" value={totals.troubled} isBad={totals.troubled > 0} />
        <Total title="messages waiting" value={totals.waiting} />
        <Total title="processed" value={totals.processed} />
        {perSecond !== null && <Total title="per second" value={perSecond} />}
        <Total title="runs going" value={totals.runs} />
        <Total title="restarts" value={totals.restarts} isBad={totals.restarts > 0} />
        <Total title="dead letters" value={totals.deadLetters} isBad={totals.deadLetters > 0} />
        <Total title="skipped ticks" value={totals.skippedTicks} />
        <span className="cp-subtle">
          as of <Age atMs={parseStamp(answer.asOf)} what="Answered" /> ago
        </span>
        <span className="cp-totals__actions">
          <Switch
            id="only-troubled"
            label="Only troubled"
            isChecked={onlyTroubled}
            onChange={(_event, isChecked) => setOnlyTroubled(isChecked)}
          />
          <Button variant="link" isInline onClick={() => setFolded(new Set(pathsWithChildren(roots)))}>
            Fold all
          </Button>
          <Button variant="link" isInline onClick={() => setFolded(new Set())}>
            Unfold all
          </Button>
        </span>
      </div>
      {rows.length === 0 ? (
        <EmptyState
          titleText={onlyTroubled && text === "" ? "No actor is in trouble" : "No actor matches the filter"}
          headingLevel="h2"
        />
      ) : (
        <VirtualTable
          label="Supervision tree"
          role="treegrid"
          columns={columns}
          rows={rows}
          rowHeightPx={40}
          rowKey={({ node }) => node.path}
          rowProps={({ node, level, isFolded }) => ({
            className: node.troubles.length > 0 ? "cp-row--degraded" : "",
            "aria-level": level,
            "data-actor": node.path,
            ...(node.children.length > 0 && { "aria-expanded": !isFolded }),
          })}
        />
      )}
    </div>
  );
}

function Total({
  title,
  value,
  isBad = false,
}: {
  readonly title: ReactNode;
  readonly value: number;
  readonly isBad?: boolean;
}) {
  return (
    <span className={isBad ? "cp-total cp-total--bad" : "cp-total"}>
      <strong>{formatCount(value)}</strong> {title}
    </span>
  );
}

function toggled(paths: ReadonlySet<string>, path: string): ReadonlySet<string> {
  const next = new Set(paths);
  if (!next.delete(path)) next.add(path);
  return next;
}

function pathsWithChildren(nodes: readonly ActorNode[]): string[] {
  return nodes.flatMap((node) => (node.children.length === 0 ? [] : [node.path, ...pathsWithChildren(node.children)]));
}
