// Real kubectl binaries against `clusterpulse simulate`: every verb that writes.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { configMap, connection, eachKubectl, inTurn, kubectlSimulator, listOf } from "./kubectl-simulator.ts";

const simulator = kubectlSimulator();

eachKubectl(simulator, ({ client, id, kubectl, refused }) => {
  const namespace = `writes-${id}`;
  const map = (name: string, data: Record<string, string>, labels?: Record<string, string>): string =>
    configMap(namespace, name, data, labels);
  const dataOf = (name: string): Promise<string> => kubectl(`get cm ${name} -n ${namespace} -o jsonpath={.data}`);

  beforeAll(async () => {
    await kubectl(`create namespace ${namespace}`);
  });

  test("creates, refuses what is there already and what is wrong, and makes up names", inTurn, async () => {
    expect(await kubectl("create -f -", map("one", { a: "1" }))).toMatch(/configmap\/one created/);
    expect(await refused("create -f -", map("one", {}))).toMatch(/AlreadyExists/);
    const generated = JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { generateName: "some-", namespace },
    });
    expect(await kubectl("create -f -", generated)).toMatch(/configmap\/some-\w{5} created/);
    const wrong = connection(`wrong-${id}`, { collectionMode: "push-pull", credentialsRef: {} });
    expect(await refused("create -f -", wrong)).toMatch(
      /spec.credentialsRef.name: Required[\s\S]*collectionMode: Unsupp|Unsupp[\s\S]*Required/,
    );
    expect(await refused("create -f -", connection(`odd-${id}`, { odd: 1 }))).toMatch(/unknown field "spec.odd"/);
    expect(await refused("create configmap x -n nowhere")).toMatch(/namespaces "nowhere" not found/);
    expect(await kubectl(`create configmap dry -n ${namespace} --dry-run=server`)).toMatch(
      /created \(server dry run\)/,
    );
    expect(await refused(`get cm dry -n ${namespace}`)).toMatch(/NotFound/);
  });

  test("applies on the client: created, unchanged, configured, pruned by label and by applyset", inTurn, async () => {
    const [a, b] = [map("a", { v: "1" }, { set: "p" }), map("b", { v: "1" }, { set: "p" })];
    expect(await kubectl("apply -f -", listOf(a, b))).toMatch(/a created\n[\s\S]*b created/);
    expect(await kubectl("apply -f -", a)).toMatch(/unchanged/);
    expect(await kubectl("apply -f -", map("a", { v: "2" }, { set: "p" }))).toMatch(/configured/);
    expect(await kubectl(`apply view-last-applied cm a -n ${namespace}`)).toMatch(/v: "2"/);
    expect(await kubectl(`apply -f - --prune -l set=p -n ${namespace} --prune-allowlist=core/v1/ConfigMap`, a)).toMatch(
      /configmap\/b pruned/,
    );
    const set = { KUBECTL_APPLYSET: "true" };
    const apply = `apply -f - --prune --applyset=parent -n ${namespace}`;
    const [c, d] = [map("c", { v: "1" }), map("d", { v: "1" })];
    expect(await kubectl(apply, listOf(c, d), set)).toMatch(/c created\n[\s\S]*d created/);
    expect(await kubectl(apply, c, set)).toMatch(/configmap\/d pruned/);
  });

  test("applies on the server: owners, conflicts, force, and over what was applied on the client", inTurn, async () => {
    expect(await kubectl("apply --server-side -f -", map("owned", { v: "1" }))).toMatch(/serverside-applied/);
    const other = "apply --server-side --field-manager=other -f -";
    expect(await refused(other, map("owned", { v: "2" }))).toMatch(/conflict with "kubectl"[\s\S]*\.data\.v/);
    expect(await kubectl(`${other} --force-conflicts`, map("owned", { v: "2" }))).toMatch(/serverside-applied/);
    const managers = await kubectl(
      `get cm owned -n ${namespace} --show-managed-fields -o jsonpath={.metadata.managedFields}`,
    );
    expect(managers).toMatch(/"manager":"other"/);
    await kubectl("apply -f -", map("moved", { v: "1", w: "1" }));
    expect(await kubectl("apply --server-side -f -", map("moved", { v: "2" }))).toMatch(/serverside-applied/);
    expect(await dataOf("moved")).toBe('{"v":"2"}');
    expect(await kubectl("apply --server-side --dry-run=server -f -", map("moved", { v: "3" }))).toMatch(/dry run/);
    expect(await dataOf("moved")).toBe('{"v":"2"}');
    const applied = connection(`ssa-${id}`);
    expect(await kubectl("apply --server-side -f -", applied)).toMatch(/serverside-applied/);
    expect(await kubectl("apply --server-side -f -", applied)).toMatch(/serverside-applied/);
    await kubectl(`delete cc ssa-${id} -n clusterpulse`);
  });

  test("shows a diff, edits with a script, replaces", inTurn, async () => {
    await kubectl("apply -f -", map("edited", { v: "1" }));
    const { code, output } = await client.run("diff -f -", map("edited", { v: "2" }));
    expect(code).toBe(1);
    expect(output).toMatch(/^-\s+v: "1"\n\+\s+v: "2"$/m);
    expect((await client.run("diff -f -", map("edited", { v: "1" }))).code).toBe(0);
    expect((await client.run("diff --server-side -f -", map("new", { v: "1" }))).code).toBe(1);
    const editor = join(simulator.scratch, `edit-${id}.sh`);
    writeFileSync(editor, '#!/bin/sh\nsed -i "s/^  v: .*/  v: \\"9\\"/" "$1"\n');
    chmodSync(editor, 0o700);
    expect(await kubectl(`edit cm edited -n ${namespace}`, "", { KUBE_EDITOR: editor })).toMatch(/edited/);
    expect(await dataOf("edited")).toBe('{"v":"9"}');
    expect((await client.run(`edit cm edited -n ${namespace}`, "", { KUBE_EDITOR: "true" })).errors).toMatch(
      /no changes/,
    );
    expect(await kubectl("replace -f -", map("edited", { w: "1" }))).toMatch(/replaced/);
    expect(await kubectl("replace --force -f -", map("edited", { x: "1" }))).toMatch(/replaced/);
    expect(await refused("replace -f -", map("none", {}))).toMatch(/NotFound/);
    expect(await dataOf("edited")).toBe('{"x":"1"}');
  });

  test("patches in three ways and at the status, labels and annotates", inTurn, async () => {
    await kubectl("create -f -", map("patched", { v: "1" }));
    const patch = (type: string, text: string): Promise<string> =>
      kubectl(["patch", "cm", "patched", "-n", namespace, `--type=${type}`, "-p", text]);
    expect(await patch("strategic", '{"data":{"w":"2"}}')).toMatch(/patched/);
    expect(await patch("merge", '{"data":{"v":null}}')).toMatch(/patched/);
    expect(await patch("json", '[{"op":"add","path":"/data/x","value":"3"}]')).toMatch(/patched/);
    expect(await dataOf("patched")).toBe('{"w":"2","x":"3"}');
    expect(await patch("merge", '{"data":{"x":"3"}}')).toMatch(/no change/);
    expect(await kubectl(`label cm patched -n ${namespace} a=1`)).toMatch(/labeled/);
    expect(await refused(`label cm patched -n ${namespace} a=2`)).toMatch(/already has a value/);
    expect(await kubectl(`label cm patched -n ${namespace} a=2 --overwrite`)).toMatch(/labeled/);
    expect(await kubectl(`label cm patched -n ${namespace} a-`)).toMatch(/unlabeled/);
    expect(await kubectl(`annotate cm patched -n ${namespace} b=1`)).toMatch(/annotate/);
    await kubectl("apply -f -", connection(`state-${id}`));
    const status = ["patch", "cc", `state-${id}`, "-n", "clusterpulse", "--type=merge", "-p"];
    expect(await kubectl([...status, '{"status":{"message":"no"}}'])).toMatch(/no change/);
    expect(await kubectl([...status, '{"status":{"message":"yes"}}', "--subresource=status"])).toMatch(/patched/);
    expect(await kubectl(`get cc state-${id} -n clusterpulse -o jsonpath={.status.message}`)).toBe("yes");
    await kubectl(`delete cc state-${id} -n clusterpulse`);
  });

  test("scales and rolls out", inTurn, async () => {
    await kubectl(`create deployment web --image=nginx --replicas=2 -n ${namespace}`);
    expect(await kubectl(`scale deployment web --replicas=3 -n ${namespace}`)).toMatch(/scaled/);
    expect(await refused(`scale deployment web --current-replicas=9 --replicas=1 -n ${namespace}`)).toMatch(/to be 9/);
    expect(await kubectl(`rollout status deployment web -n ${namespace} --timeout=60s`)).toMatch(
      /successfully rolled out/,
    );
    expect(await kubectl(`rollout restart deployment web -n ${namespace}`)).toMatch(/restarted/);
    expect(await kubectl(`set image deployment/web nginx=nginx:2 -n ${namespace}`)).toMatch(/image updated/);
    expect(await kubectl(`get deployment web -n ${namespace}`)).toMatch(/web +3\/3 +3 +3/);
  });

  test("cordons, drains and taints a node", inTurn, async () => {
    const node = `node-${id}`;
    await kubectl("create -f -", JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: node } }));
    const onNode = (name: string): Promise<string> =>
      kubectl(["run", name, "--image=none", "-n", namespace, `--overrides={"spec":{"nodeName":"${node}"}}`]);
    await Promise.all([onNode("p1"), onNode("p2")]);
    expect(await kubectl(`cordon ${node}`)).toMatch(/cordoned/);
    expect(await kubectl(`drain ${node} --force`)).toMatch(/p1 evicted[\s\S]*drained/);
    expect((await client.run(`get pods -n ${namespace} --field-selector spec.nodeName=${node}`)).errors).toMatch(
      /No res/,
    );
    expect(await kubectl(`uncordon ${node}`)).toMatch(/uncordoned/);
    expect(await kubectl(`taint node ${node} a=b:NoSchedule`)).toMatch(/tainted/);
    expect(await kubectl(`taint node ${node} a-`)).toMatch(/untainted/);
    expect(await kubectl(`describe node ${node}`)).toMatch(/Taints: +<none>/);
    expect(await kubectl(`delete node ${node}`)).toMatch(/deleted/);
  });

  test("makes accounts, tokens and permissions, and acts as somebody else", inTurn, async () => {
    await kubectl(`create serviceaccount reader -n ${namespace}`);
    const token = (await kubectl(`create token reader -n ${namespace} --duration=1h`)).trim();
    expect(token).toMatch(/^\S+\.\S+\.\S+$/);
    const account = `system:serviceaccount:${namespace}:reader`;
    const mayRead = `auth can-i get configmaps -n ${namespace} --as=${account}`;
    expect((await client.run(mayRead)).output).toBe("no\n");
    await kubectl(`create role reading --verb=get --resource=configmaps -n ${namespace}`);
    await kubectl(`create rolebinding reading --role=reading --serviceaccount=${namespace}:reader -n ${namespace}`);
    expect(await kubectl(mayRead)).toBe("yes\n");
    await kubectl("create -f -", map("seen", { v: "1" }));
    expect(await kubectl(`get cm seen -n ${namespace} --as=${account} -o name`)).toBe("configmap/seen\n");
    expect(await refused(`delete cm seen -n ${namespace} --as=${account}`)).toMatch(/Forbidden.*cannot delete/);
  });

  test("waits for a condition, a value and an end", inTurn, async () => {
    await kubectl("create -f -", map("awaited", { v: "1" }));
    const wait = (what: string): string[] => ["wait", what, "cm/awaited", "-n", namespace, "--timeout=60s"];
    expect(await kubectl("wait crd --all --for=condition=Established --timeout=60s")).toMatch(/condition met/);
    const value = kubectl(wait("--for=jsonpath={.data.v}=2"));
    await kubectl("apply -f -", map("awaited", { v: "2" }));
    expect(await value).toMatch(/condition met/);
    expect(await refused(`wait --for=delete cm/awaited -n ${namespace} --timeout=1s`)).toMatch(/timed out/);
    const gone = kubectl(wait("--for=delete"));
    await kubectl(`delete cm awaited -n ${namespace}`);
    await gone;
  });

  test("deletes by name, label and kind, in every cascade, with finalizers", inTurn, async () => {
    const many = ["x", "y", "z"].map((name) => map(name, {}, { del: name === "z" ? "later" : "now" }));
    await kubectl("create -f -", listOf(...many));
    expect(await kubectl(`delete cm x y z -n ${namespace} --dry-run=server`)).toMatch(/server dry run/);
    expect(await kubectl(`delete cm -l del=now -n ${namespace}`)).toMatch(/"x" deleted[\s\S]*"y" deleted/);
    expect(await refused(`delete cm x -n ${namespace}`)).toMatch(/NotFound/);
    expect(await kubectl(`delete cm x -n ${namespace} --ignore-not-found`)).toBe("");
    for (const cascade of ["background", "orphan", "foreground"]) {
      await kubectl("create -f -", map(cascade, {}));
      expect(await kubectl(`delete cm ${cascade} -n ${namespace} --cascade=${cascade} --timeout=60s`)).toMatch(
        /deleted/,
      );
    }
    const finalizers = (list: unknown): string => JSON.stringify({ metadata: { finalizers: list } });
    const patch = ["patch", "cm", "z", "-n", namespace, "--type=merge", "-p"];
    await kubectl([...patch, finalizers(["clusterpulse.io/held"])]);
    await kubectl(`delete cm z -n ${namespace} --wait=false`);
    expect(await kubectl(`get cm z -n ${namespace} -o jsonpath={.metadata.deletionTimestamp}`)).toMatch(/^\d{4}-/);
    await kubectl([...patch, finalizers(null)]);
    expect(await refused(`get cm z -n ${namespace}`)).toMatch(/NotFound/);
    expect(await kubectl(`delete cm --all -n ${namespace}`)).toMatch(/deleted/);
    await kubectl(`delete namespace ${namespace} --timeout=60s`);
    expect(await refused(`get namespace ${namespace}`)).toMatch(/NotFound/);
  });
});
