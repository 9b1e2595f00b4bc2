// Lists, pages, selectors, tables and watches over a handful of objects.
import { gears, get, patch, post, remove, type Step, widget, widgets } from "../step.ts";

const table = "application/json;as=Table;g=meta.k8s.io;v=v1";
const partial = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const partialList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const own = "labelSelector=set%3Dreads";
const named = ["a", "b", "c", "d"];

export const reads: readonly Step[] = [
  ...named.map((name, i) => ({
    title: `create ${name} to read`,
    request: post(
      widgets,
      widget(
        `read-${name}`,
        { size: i + 1, color: i % 2 === 0 ? "green" : "blue", tags: ["x", "y"], flag: i > 1, ratio: 1.5 },
        {
          labels: { set: "reads", tier: name },
          annotations: { note: name },
        },
      ),
    ),
  })),
  {
    title: "give one a condition",
    request: patch(`${widgets}/read-a/status`, { status: { conditions: [{ type: "Ready", status: "True" }] } }),
  },
  { title: "list", request: get(`${widgets}?${own}`) },
  { title: "list everywhere", request: get(`/apis/oracle.test/v1/widgets?${own}`) },
  { title: "list nothing", request: get(`${widgets}?labelSelector=set%3Dnone`) },
  { title: "list where nothing is", request: get("/apis/oracle.test/v1/namespaces/elsewhere/widgets") },
  { title: "select by label: in", request: get(`${widgets}?labelSelector=tier+in+(a,b),set%3Dreads`), picks: names },
  {
    title: "select by label: notin",
    request: get(`${widgets}?labelSelector=tier+notin+(a,b),set%3Dreads`),
    picks: names,
  },
  {
    title: "select by label: not there",
    request: get(`${widgets}?labelSelector=!none,${"set%3Dreads"}`),
    picks: names,
  },
  { title: "select by label: there", request: get(`${widgets}?labelSelector=tier,set!%3Dother`), picks: names },
  { title: "refuse a wrong label selector", request: get(`${widgets}?labelSelector=a%3D%3D%3Db`) },
  { title: "select by name", request: get(`${widgets}?fieldSelector=metadata.name%3Dread-a`), picks: names },
  {
    title: "select by a field of the definition",
    request: get(`${widgets}?fieldSelector=spec.color%3Dblue&${own}`),
    picks: names,
  },
  {
    title: "select by another value of it",
    request: get(`${widgets}?fieldSelector=spec.color!%3Dblue&${own}`),
    picks: names,
  },
  { title: "refuse an unknown field selector", request: get(`${widgets}?fieldSelector=spec.size%3D1`) },
  { title: "refuse a wrong field selector", request: get(`${widgets}?fieldSelector=a`) },
  { title: "a page", request: get(`${widgets}?${own}&limit=3`) },
  {
    title: "the next page",
    request: (bodyOf) =>
      get(`${widgets}?${own}&limit=3&continue=${encodeURIComponent(bodyOf("a page").metadata.continue)}`),
  },
  { title: "a page without a selector", request: get(`${gears}?limit=1`) },
  { title: "refuse a wrong continue", request: get(`${widgets}?limit=1&continue=nonsense`) },
  { title: "refuse a wrong limit", request: get(`${widgets}?limit=many`) },
  { title: "list any version", request: get(`${widgets}?${own}&resourceVersion=0`), picks: names },
  {
    title: "list not older than",
    request: (bodyOf) =>
      get(
        `${widgets}?${own}&resourceVersion=${bodyOf("list").metadata.resourceVersion}&resourceVersionMatch=NotOlderThan`,
      ),
    picks: names,
  },
  {
    title: "list exactly",
    request: (bodyOf) =>
      get(`${widgets}?${own}&resourceVersion=${bodyOf("list").metadata.resourceVersion}&resourceVersionMatch=Exact`),
    picks: names,
  },
  { title: "refuse a match without a version", request: get(`${widgets}?resourceVersionMatch=Exact`) },
  { title: "refuse exactly zero", request: get(`${widgets}?resourceVersion=0&resourceVersionMatch=Exact`) },
  { title: "refuse an unknown match", request: get(`${widgets}?resourceVersion=1&resourceVersionMatch=Roughly`) },
  { title: "refuse a wrong version", request: get(`${widgets}?resourceVersion=abc`) },
  { title: "refuse a version of the future", request: get(`${widgets}?resourceVersion=99999999`) },
  { title: "get a wrong version", request: get(`${widgets}/read-a?resourceVersion=abc`) },
  { title: "a table", request: get(`${widgets}?${own}`, table) },
  { title: "a table of one", request: get(`${widgets}/read-a`, table) },
  { title: "a table with whole objects", request: get(`${widgets}?${own}&includeObject=Object&limit=1`, table) },
  { title: "a table without objects", request: get(`${widgets}?${own}&includeObject=None`, table) },
  { title: "refuse a wrong includeObject", request: get(`${widgets}?${own}&includeObject=Some`, table) },
  { title: "a table of nothing", request: get(`${widgets}?labelSelector=set%3Dnone`, table) },
  { title: "no table of what is not there", request: get(`${widgets}/nothing`, table) },
  { title: "metadata of one", request: get(`${widgets}/read-a`, partial) },
  { title: "metadata of all", request: get(`${widgets}?${own}`, partialList) },
  {
    title: "the first form that is known",
    request: get(`${widgets}/read-a`, `application/odd,${partial},application/json`),
  },
  { title: "refuse unknown forms", request: get(`${widgets}/read-a`, "application/odd") },
  {
    title: "protobuf or JSON of a custom kind",
    request: get(`${widgets}/read-a`, "application/vnd.kubernetes.protobuf,application/json"),
  },
  {
    title: "protobuf alone of a custom kind",
    request: get(`${widgets}/read-a`, "application/vnd.kubernetes.protobuf"),
  },
  { title: "YAML", request: get(`${widgets}/read-a`, "application/yaml"), picks: () => undefined },
  { title: "a path that is nowhere", request: get("/nowhere") },
  { title: "a group that is nowhere", request: get("/apis/nowhere.test/v1/things") },
];

const watch = (query: string, accept?: string) => get(`${widgets}?watch=true&timeoutSeconds=2&${query}`, accept);

export const watches: readonly Step[] = [
  { title: "the version before changes", request: get(`${widgets}?labelSelector=set%3Dwatched`) },
  { title: "change: add", request: post(widgets, widget("watch-a", {}, { labels: { set: "watched", tier: "x" } })) },
  { title: "change: modify", request: patch(`${widgets}/watch-a`, { spec: { size: 9, color: "green" } }) },
  { title: "change: nothing", request: patch(`${widgets}/watch-a`, { spec: { size: 9 } }) },
  {
    title: "change: leave the selector",
    request: patch(`${widgets}/watch-a`, { metadata: { labels: { tier: "y" } } }),
  },
  {
    title: "change: enter the selector",
    request: patch(`${widgets}/watch-a`, { metadata: { labels: { tier: "x" } } }),
  },
  { title: "change: leave the field selector", request: patch(`${widgets}/watch-a`, { spec: { color: "red" } }) },
  { title: "change: delete", request: remove(`${widgets}/watch-a`) },
  {
    title: "change: add another",
    request: post(widgets, widget("watch-b", {}, { labels: { set: "watched", tier: "x" } })),
  },
  ...[
    ["all events since", "labelSelector=set%3Dwatched"],
    ["events of a label", "labelSelector=set%3Dwatched,tier%3Dx"],
    ["events of a field", "labelSelector=set%3Dwatched&fieldSelector=spec.color%3Dgreen"],
    ["events of a name", "fieldSelector=metadata.name%3Dwatch-a"],
  ].map(
    ([title = "", query]): Step => ({
      title,
      request: (bodyOf) =>
        watch(`${query}&resourceVersion=${bodyOf("the version before changes").metadata.resourceVersion}`),
      picks: withoutBookmarks,
    }),
  ),
  {
    title: "events as tables",
    request: (bodyOf) =>
      watch(
        `labelSelector=set%3Dwatched&resourceVersion=${bodyOf("the version before changes").metadata.resourceVersion}`,
        table,
      ),
    picks: withoutBookmarks,
  },
  {
    title: "events as metadata",
    request: (bodyOf) =>
      watch(
        `labelSelector=set%3Dwatched&resourceVersion=${bodyOf("the version before changes").metadata.resourceVersion}`,
        partial,
      ),
    picks: withoutBookmarks,
  },
  { title: "a watch from nowhere", request: watch("labelSelector=set%3Dwatched"), picks: withoutBookmarks },
  {
    title: "a watch from any version",
    request: watch("labelSelector=set%3Dwatched&resourceVersion=0"),
    picks: withoutBookmarks,
  },
  {
    title: "a watch that begins with a list",
    request: watch(
      "labelSelector=set%3Dwatched&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan",
    ),
    picks: withoutBookmarks,
  },
  {
    title: "a watch that begins with a list, as metadata",
    request: watch(
      "labelSelector=set%3Dwatched&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan",
      partial,
    ),
    picks: withoutBookmarks,
  },
  { title: "refuse initial events without a match", request: watch("sendInitialEvents=true&allowWatchBookmarks=true") },
  {
    title: "refuse initial events without bookmarks",
    request: watch("sendInitialEvents=true&resourceVersionMatch=NotOlderThan"),
    picks: withoutBookmarks,
  },
  {
    title: "refuse a match without initial events",
    request: watch("resourceVersionMatch=NotOlderThan&resourceVersion=1"),
  },
  { title: "refuse initial events of a list", request: get(`${widgets}?sendInitialEvents=true`) },
  { title: "refuse a watch from a wrong version", request: watch("resourceVersion=abc") },
  { title: "refuse a wrong selector in a watch", request: watch("labelSelector=a%3D%3D%3Db") },
];

function names(body: unknown): unknown {
  const { items, ...rest } = body as { items?: { metadata: { name: string } }[] };
  return items === undefined ? rest : items.map(({ metadata }) => metadata.name);
}

/** Only those that end initial events come at a certain moment. */
function withoutBookmarks(body: unknown): unknown {
  if (!Array.isArray(body)) return body;
  const isKept = ({ type, object }: { type: string; object: { metadata?: { annotations?: object } } }): boolean =>
    type !== "BOOKMARK" || object.metadata?.annotations !== undefined;
  return body.filter(isKept);
}
