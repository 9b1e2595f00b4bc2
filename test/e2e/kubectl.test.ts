// Real kubectl binaries against `clusterpulse simulate`, with a hub running on it: what a user of the hub types, and what they see.
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../support/ports.ts";
import { root, startCommand } from "../support/processes.ts";
import { configMap, connection, eachKubectl, inTurn, kubectlSimulator } from "./kubectl-simulator.ts";

const simulator = kubectlSimulator(async (kubeconfig) => {
  const [api, probes, metrics] = [await freePort(), await freePort(), await freePort()];
  const addresses = ["--port", `${api}`, "--health-probe-bind-address", `127.0.0.1:${probes}`];
  const hub = startCommand(
    "hub",
    ...["--kubeconfig", kubeconfig, "--namespace", "clusterpulse", "--store", "memory"],
    ...[...addresses, "--metrics-bind-address", `127.0.0.1:${metrics}`],
  );
  await hub.until(/the hub watches/);
  return hub;
});

eachKubectl(simulator, ({ id, kubectl, refused }) => {
  test("waits until the hub has made the connections Ready and shows them", inTurn, async () => {
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

  test("applies the definitions and finds them established and unchanged", inTurn, async () => {
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

  test("applies, labels, replaces and deletes a connection", inTurn, async () => {
    const name = `made-${id}`;
    expect(await kubectl("apply --dry-run=server -f -", connection(name))).toMatch(/created \(server dry run\)/);
    expect(await refused(`get cc ${name}`)).toMatch(/not found/);
    expect(await kubectl("apply -f -", connection(name))).toMatch(/created/);
    expect(await kubectl("apply -f -", connection(name))).toMatch(/unchanged/);
    expect(await kubectl("apply -f -", connection(name, { displayName: "Other" }))).toMatch(/configured/);
    expect(await refused("create -f -", connection(name))).toMatch(/AlreadyExists/);
    expect(await refused(`patch cc ${name} --type=strategic -p {}`)).toMatch(/not supported|unknown format/);
    expect(await kubectl(`label cc ${name} tier=${id}`)).toMatch(/labeled/);
    expect(await kubectl(`get cc -l tier=${id} -o name`)).toBe(`clusterconnection.clusterpulse.io/${name}\n`);
    expect(await kubectl("replace -f -", connection(name, { displayName: "Replaced" }))).toMatch(/replaced/);
    expect(await kubectl(`delete cc ${name}`)).toMatch(/deleted/);
    expect(await refused(`get cc ${name}`)).toMatch(/NotFound/);
  });

  test("makes built-in objects, which it sends as protobuf where it can", inTurn, async () => {
    const name = `team-${id}`;
    await kubectl(`create namespace ${name}`);
    await kubectl(`create configmap settings --from-literal=a=1 -n ${name}`);
    await kubectl(`create secret generic keys --from-literal=b=2 -n ${name}`);
    expect(await kubectl(`get secret keys -n ${name} -o jsonpath={.data.b}`)).toBe("Mg==");
    expect(await kubectl(`get cm,secret -n ${name}`)).toMatch(/configmap\/settings +1 [\s\S]*secret\/keys +Opaque +1 /);
    const labelled = (labels: Record<string, string>): string => configMap(name, "kept", {}, labels);
    expect(await kubectl("apply -f -", labelled({ a: "1", b: "2" }))).toMatch(/created/);
    expect(await kubectl("apply -f -", labelled({ a: "1" }))).toMatch(/configured/);
    expect(await kubectl(`get cm kept -n ${name} -o jsonpath={.metadata.labels}`)).toBe('{"a":"1"}');
    await kubectl(`delete namespace ${name}`);
    expect(await refused(`get cm settings -n ${name}`)).toMatch(/not found/);
  });
});
