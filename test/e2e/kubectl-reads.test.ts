// Real kubectl binaries against `clusterpulse simulate`: everything that asks and changes nothing.
import { beforeAll, expect, test } from "vitest";
import { eventually } from "../support/processes.ts";
import { configMap, eachKubectl, inTurn, kubectlSimulator, listOf } from "./kubectl-simulator.ts";

const simulator = kubectlSimulator();

eachKubectl(simulator, ({ client, version, id, kubectl, refused }) => {
  const namespace = `reads-${id}`;
  const pick = (template: string): string[] => ["get", "cm", "-n", namespace, "-l", "set=reads", "-o", template];

  beforeAll(async () => {
    await kubectl(`create namespace ${namespace}`);
    const maps = ["b", "a", "c"].map((name) => configMap(namespace, name, { of: name }, { set: "reads", name }));
    await kubectl("apply -f -", listOf(...maps));
  });

  test("gets lists in every form", inTurn, async () => {
    const all = `get cm -n ${namespace} -l set=reads`;
    expect(await kubectl(all)).toMatch(/^NAME +DATA +AGE\na +1 +\d+s\nb +1 +\d+s\nc +1 +\d+s\n$/);
    expect(await kubectl(`${all} -o wide`)).toMatch(/^NAME +DATA +AGE\n/);
    expect(await kubectl(`${all} --no-headers`)).toMatch(/^a +1/);
    expect(await kubectl(`${all} --show-labels`)).toMatch(/LABELS\na +1 +\d+s +name=a,set=reads\n/);
    expect(await kubectl(`${all} -L name`)).toMatch(/NAME\na +1 +\d+s +a\n/);
    expect(JSON.parse(await kubectl(`${all} -o json`)).items).toHaveLength(3);
    expect(await kubectl(`${all} -o yaml`)).toMatch(
      /^apiVersion: v1\nitems:\n- apiVersion: v1\n {2}data:\n {4}of: a\n/,
    );
    expect(await kubectl(`${all} -o name`)).toBe("configmap/a\nconfigmap/b\nconfigmap/c\n");
    expect(await kubectl(`${all} -o name --chunk-size=1`)).toBe("configmap/a\nconfigmap/b\nconfigmap/c\n");
    expect(await kubectl(pick("jsonpath={.items[*].data.of}"))).toBe("a b c");
    expect(await kubectl(pick("custom-columns=N:.metadata.name,OF:.data.of"))).toMatch(/^N +OF\na +a\n/);
    expect(await kubectl(pick("go-template={{range .items}}{{.data.of}}{{end}}"))).toBe("abc");
    expect(await kubectl(`${all} --sort-by=.data.of -o name`)).toBe("configmap/a\nconfigmap/b\nconfigmap/c\n");
    expect(await kubectl(`get cm a b -n ${namespace} -o name`)).toBe("configmap/a\nconfigmap/b\n");
    expect(await kubectl(`get cm,sa -n ${namespace} -o name`)).toContain("configmap/a");
    expect(await kubectl("get cm -A -l set=reads --no-headers")).toContain(namespace);
    expect(await kubectl(`${all} --field-selector metadata.name!=a -o name`)).toBe("configmap/b\nconfigmap/c\n");
    expect(await kubectl(["get", "cm", "-n", namespace, "-l", "name in (a,c)", "-o", "name"])).toBe(
      "configmap/a\nconfigmap/c\n",
    );
  });

  test("says what is not there", inTurn, async () => {
    expect(await refused(`get cm none -n ${namespace}`)).toMatch(/NotFound.*configmaps "none" not found/);
    expect(await refused("get nothings")).toMatch(/doesn't have a resource type "nothings"/);
    expect(await refused(`get cm -n ${namespace} --field-selector a=b`)).toMatch(/field label not supported/);
    expect((await client.run(`get pods -n ${namespace}`)).errors).toMatch(/No resources found/);
  });

  test("watches changes as they come, as rows", inTurn, async () => {
    const watch = client.start(`get cm -n ${namespace} --watch --output-watch-events -l set=watched`);
    const only = client.start(`get cm -n ${namespace} --watch-only -o name -l set=watched`);
    try {
      // Repeated until both have seen one: nothing says when a watch is there.
      let i = 0;
      const change = async (): Promise<boolean> => {
        await kubectl("apply -f -", configMap(namespace, "watched", { of: String(i++) }, { set: "watched" }));
        return /MODIFIED +watched/.test(watch.output()) && only.output().includes("configmap/watched");
      };
      await eventually(change, 60_000, () => `${watch.output()}\n${only.output()}`);
      await kubectl(`delete cm watched -n ${namespace}`);
      await eventually(async () => /DELETED +watched/.test(watch.output()), 30_000, watch.output);
    } finally {
      await Promise.all([watch.stop(), only.stop()]);
    }
  });

  test("describes and explains kinds, whole and recursively", inTurn, async () => {
    const [name = ""] = (await kubectl("get cc -n clusterpulse -o name")).split("\n");
    expect(await kubectl(`describe ${name} -n clusterpulse`)).toMatch(/Kind: +ClusterConnection[\s\S]*Events:/);
    expect(await kubectl(`describe cm a -n ${namespace}`)).toMatch(/Name: +a\n[\s\S]*of:/);
    expect(await kubectl("describe ns default")).toMatch(/Status: +Active/);
    expect(await kubectl("explain cc.spec.credentialsRef")).toMatch(/name\t<string>/);
    expect(await kubectl("explain cc --recursive")).toMatch(/credentialsRef\t<Object>[\s\S]*name\t<string>/);
    expect(await kubectl("explain deployment.spec.template.spec.containers")).toMatch(/image\t<string>/);
    expect(await kubectl("explain pod --recursive")).toMatch(/containers/);
  });

  test("asks what there is, who it is and what it may do", inTurn, async () => {
    expect(await kubectl("api-resources")).toMatch(/clusterconnections +cc +clusterpulse/);
    expect(await kubectl("api-resources --namespaced=false --verbs=list -o name")).toMatch(/^nodes$/m);
    expect(await kubectl("api-resources --categories=clusterpulse -o name")).toMatch(
      /^metricsources.clusterpulse.io$/m,
    );
    expect(await kubectl("api-versions")).toMatch(/^apps\/v1$/m);
    expect(await kubectl("version -o json")).toMatch(/"serverVersion"/);
    expect(await kubectl("cluster-info")).toMatch(/control plane.* is running at/);
    expect(await kubectl("auth can-i create cc")).toBe("yes\n");
    expect(await kubectl("auth can-i --list")).toMatch(/\*\.\*/);
    // 1.27 asks for versions of the review that are gone.
    if (version !== "1.27") expect(await kubectl("auth whoami")).toMatch(/Username +kubernetes-admin/);
    expect(JSON.parse(await kubectl("get --raw /version"))).toHaveProperty("gitVersion");
    expect(await kubectl("get --raw /readyz")).toBe("ok");
  });

  test("shows events, and says clearly that there are no logs and no metrics", inTurn, async () => {
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "seen", namespace },
      involvedObject: { kind: "ConfigMap", name: "a", namespace, apiVersion: "v1" },
      reason: "Seen",
      message: "it was seen",
      type: "Normal",
      lastTimestamp: "2026-01-01T00:00:00Z",
    };
    await kubectl("create -f -", JSON.stringify(event));
    expect(await kubectl(`events -n ${namespace}`)).toMatch(/Normal +Seen +ConfigMap\/a +it was seen/);
    expect(await kubectl(`get events -n ${namespace}`)).toMatch(/Normal +Seen +configmap\/a +it was seen/);
    await kubectl(`run quiet --image=none -n ${namespace}`);
    expect(await refused(`logs quiet -n ${namespace}`)).toMatch(/simulated pods write no logs/);
    expect(await refused(`top pods -n ${namespace}`)).toMatch(/Metrics API not available/);
    expect(await refused("top nodes")).toMatch(/Metrics API not available/);
  });

  test("reads a generated cluster", inTurn, async () => {
    const cluster = (await kubectl("config get-contexts -o name"))
      .trim()
      .split("\n")
      .find((name) => name !== "hub");
    expect(await kubectl(`get nodes -o wide --context ${cluster}`)).toMatch(/^NAME +STATUS +ROLES +AGE +VERSION/);
    expect(await kubectl(`get pods -A --context ${cluster}`)).toMatch(/NAMESPACE +NAME +READY +STATUS +RESTARTS +AGE/);
    const [node = ""] = (await kubectl(`get nodes -o name --context ${cluster}`)).split("\n");
    expect(await kubectl(`get ${node} -o jsonpath={.kind} --context ${cluster}`)).toBe("Node");
    expect(await kubectl(`get --raw /version --context ${cluster}`)).toMatch(/gitVersion/);
    expect(await kubectl(`api-resources --context ${cluster}`)).toMatch(/^nodes +no +v1 +false +Node$/m);
  });
});
