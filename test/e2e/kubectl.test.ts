// Real kubectl binaries against `clusterpulse simulate`, with a hub running on it: what a user types, and what they see.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KubectlResult, kubectls, runKubectl } from "../support/kubectl.ts";
import { root, type Started, startCommand } from "../support/processes.ts";
import { freePort } from "../support/redis.ts";

const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-kubectl-"));
const kubeconfig = join(scratch, "kubeconfig");
const clients = kubectls();
const started: Started[] = [];

beforeAll(async () => {
  if (clients.length === 0) return;
  const fleet = ["--clusters", "3", "--seed", "5", "--preset", "tiny", "--register", "clusterpulse"];
  const simulator = startCommand("simulate", ...fleet, "--kubeconfig-out", kubeconfig);
  started.push(simulator);
  await simulator.until(/\n/);
  const [api, probes, metrics] = [await freePort(), await freePort(), await freePort()];
  const addresses = ["--port", `${api}`, "--health-probe-bind-address", `127.0.0.1:${probes}`];
  const hub = startCommand(
    "hub",
    ...["--kubeconfig", kubeconfig, "--namespace", "clusterpulse", "--store", "memory"],
    ...[...addresses, "--metrics-bind-address", `127.0.0.1:${metrics}`],
  );
  started.push(hub);
  await hub.until(/the hub watches/);
});
afterAll(async () => {
  for (const { child } of started.toReversed()) child.kill("SIGTERM");
  await Promise.all(started.map(({ ended }) => ended));
  rmSync(scratch, { recursive: true, force: true });
});

describe.skipIf(clients.length === 0).each(clients)("kubectl %s", (version, file) => {
  const id = version.replace(".", "-");
  const run = (args: readonly string[], input?: string): Promise<KubectlResult> =>
    runKubectl(file, ["--kubeconfig", kubeconfig, "--cache-dir", join(scratch, `cache-${id}`), ...args], input);
  /** The output of a command that succeeds. */
  const kubectl = async (command: string, input?: string): Promise<string> => {
    const { code, output, errors } = await run(command.split(" "), input);
    expect(errors.replace(/^Warning: .*\n/gm, ""), command).toBe("");
    expect(code, command).toBe(0);
    return output;
  };
  const refused = async (command: string, input?: string): Promise<string> => {
    const { code, errors } = await run(command.split(" "), input);
    expect(code, command).not.toBe(0);
    return errors;
  };
  const connection = (
    name: string,
    spec: Record<string, unknown> = {},
    metadata: Record<string, unknown> = {},
  ): string =>
    JSON.stringify({
      apiVersion: "clusterpulse.io/v1alpha1",
      kind: "ClusterConnection",
      metadata: { name, namespace: "clusterpulse", ...metadata },
      spec: { displayName: name, endpoint: "https://127.0.0.1:1", credentialsRef: { name: "none" }, ...spec },
    });

  test("waits until the hub has made the connections Ready and shows them", async () => {
    expect(await kubectl("wait cc --all --for=condition=Ready --timeout=90s")).toMatch(/condition met/);
    const wide = await kubectl("get cc -o wide");
    expect(wide).toMatch(/^NAME +DISPLAY NAME +ENDPOINT +STATUS +HEALTH +AGE +READY +REASON +MODE/);
    expect(wide).toMatch(/https:\/\/127\.0\.0\.1:\d+ +Connected .* True /);
    expect(await kubectl("get cc")).not.toMatch(/READY/);
    const [name = ""] = (await kubectl("get cc -o name --chunk-size=1 --sort-by=.metadata.name")).split("\n");
    expect(await kubectl(`describe ${name}`)).toMatch(/Kind: +ClusterConnection[\s\S]*Conditions:[\s\S]*Events:/);
    expect(await kubectl(`get ${name} -o jsonpath={.status.phase}`)).toBe("Connected");
    expect(await kubectl(`get ${name} -o yaml`)).toMatch(/^kind: ClusterConnection$/m);
    expect(await kubectl("get cc -o custom-columns=N:.metadata.name --no-headers")).toMatch(/^\S+\n\S+\n\S+\n$/);
  });

  test("applies the definitions and finds them established and unchanged", async () => {
    await kubectl("apply -k config/crd".replace("config", join(root, "config")));
    const again = await kubectl("apply -k config/crd".replace("config", join(root, "config")));
    expect(
      again
        .trim()
        .split("\n")
        .every((line) => line.endsWith("unchanged")),
    ).toBe(true);
    expect(await kubectl("wait crd --all --for=condition=Established --timeout=30s")).toMatch(/condition met/);
    expect(await kubectl("explain cc.spec.credentialsRef")).toMatch(/name\t<string>/);
    expect(await kubectl("explain pod.spec.containers")).toMatch(/image\t<string>/);
    expect(await kubectl("api-resources --api-group=clusterpulse.io")).toMatch(/clusterconnections +cc +clusterpulse/);
    expect(await kubectl("api-versions")).toMatch(/^clusterpulse\.io\/v1alpha1$/m);
  });

  test("creates, applies, patches, labels, replaces and deletes a connection", async () => {
    const name = `made-${id}`;
    expect(await kubectl("apply --dry-run=server -f -", connection(name))).toMatch(/created \(server dry run\)/);
    expect(await refused(`get cc ${name}`)).toMatch(/not found/);
    expect(await kubectl("apply -f -", connection(name))).toMatch(/created/);
    expect(await kubectl("apply -f -", connection(name))).toMatch(/unchanged/);
    expect(await kubectl("apply -f -", connection(name, { displayName: "Other" }))).toMatch(/configured/);
    expect(await refused("create -f -", connection(name))).toMatch(/AlreadyExists/);
    await kubectl(`patch cc ${name} --type=merge -p {"spec":{"displayName":"Merged"}}`);
    await kubectl(`patch cc ${name} --type=json -p [{"op":"replace","path":"/spec/displayName","value":"Json"}]`);
    expect(await kubectl(`get cc ${name} -o jsonpath={.spec.displayName}`)).toBe("Json");
    expect(await refused(`patch cc ${name} --type=strategic -p {}`)).toMatch(/not supported|unknown format/);
    expect(await kubectl(`label cc ${name} tier=${id}`)).toMatch(/labeled/);
    expect(await kubectl(`label cc ${name} tier=${id}`)).toMatch(/not labeled/);
    expect(await kubectl(`annotate cc ${name} note=x`)).toMatch(/ annotated?$/m);
    expect(await kubectl(`get cc -l tier=${id} -o name`)).toBe(`clusterconnection.clusterpulse.io/${name}\n`);
    expect(await kubectl("replace -f -", connection(name, { displayName: "Replaced" }))).toMatch(/replaced/);
    expect(await kubectl(`delete cc ${name}`)).toMatch(/deleted/);
    expect(await refused(`get cc ${name}`)).toMatch(/NotFound/);
  });

  test("makes built-in objects, which it sends as protobuf where it can, and asks who it is", async () => {
    const name = `team-${id}`;
    await kubectl(`create namespace ${name}`);
    await kubectl(`create configmap settings --from-literal=a=1 -n ${name}`);
    await kubectl(`create secret generic keys --from-literal=b=2 -n ${name}`);
    expect(await kubectl(`get secret keys -n ${name} -o jsonpath={.data.b}`)).toBe("Mg==");
    expect(await kubectl(`get cm,secret -n ${name}`)).toMatch(/configmap\/settings +1 [\s\S]*secret\/keys +Opaque +1 /);
    const labelled = (labels: object): string =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "kept", namespace: name, labels },
        data: {},
      });
    expect(await kubectl("apply -f -", labelled({ a: "1", b: "2" }))).toMatch(/created/);
    expect(await kubectl("apply -f -", labelled({ a: "1" }))).toMatch(/configured/);
    expect(await kubectl(`get cm kept -n ${name} -o jsonpath={.metadata.labels}`)).toBe('{"a":"1"}');
    const node = { apiVersion: "v1", kind: "Node", metadata: { name } };
    await kubectl("create -f -", JSON.stringify(node));
    expect(await kubectl(`cordon ${name}`)).toMatch(/cordoned/);
    expect(await kubectl(`taint node ${name} a=b:NoSchedule`)).toMatch(/tainted/);
    expect(await kubectl(`get node ${name}`)).toMatch(/SchedulingDisabled/);
    expect(await kubectl(`delete node ${name}`)).toMatch(/deleted/);
    expect(await kubectl("auth can-i delete pods")).toBe("yes\n");
    if (version !== "1.27") expect(await kubectl("auth whoami")).toMatch(/kubernetes-admin/);
    await kubectl(`delete namespace ${name}`);
    expect(await refused(`get cm settings -n ${name}`)).toMatch(/not found/);
  });

  test("reads a generated cluster", async () => {
    const contexts = (await kubectl("config get-contexts -o name")).trim().split("\n");
    const cluster = contexts.find((name) => name !== "hub");
    expect(await kubectl(`get nodes -o wide --context ${cluster}`)).toMatch(/^NAME +STATUS +ROLES +AGE +VERSION/);
    expect(await kubectl(`get pods -A --context ${cluster}`)).toMatch(/NAMESPACE +NAME +READY +STATUS +RESTARTS +AGE/);
    expect(await kubectl(`get --raw /version --context ${cluster}`)).toMatch(/gitVersion/);
  });
});
