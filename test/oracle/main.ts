// `npm run oracle`: takes the simulator and a real API server through one script of requests and compares their answers; then runs our
// own clients on both. Differences that differences.yaml does not list fail, and so do listed ones that are gone. Last line:
// `N passed, N failed`. `--listed` shows what is listed too; `--write-docs` writes the list in docs/simulator.md.
import { Command } from "commander";
import { parse } from "yaml";
import { Flags } from "../../src/cli/options.ts";
import { runProgram } from "../../src/cli/program.ts";
import { startSimulator } from "../../src/simulator/index.ts";
import { Api, type Reply, type Request } from "./api.ts";
import { clientChecks } from "./clients.ts";
import { type Mismatch, mismatchesOf } from "./compare.ts";
import { type Difference, pageState, patternFor, readDifferences, writePage } from "./differences.ts";
import { buildServers, startRealServer } from "./real-server.ts";
import { applies } from "./requests/applies.ts";
import { creates } from "./requests/creates.ts";
import * as definitions from "./requests/definitions.ts";
import { reads, watches } from "./requests/reads.ts";
import { samples } from "./requests/samples.ts";
import { deletes, patches, statuses, updates } from "./requests/writes.ts";
import { clientNamespace, type KubernetesBody, namespace, type Step } from "./step.ts";

const script: readonly Step[] = [
  ...definitions.create,
  ...definitions.discover,
  ...samples,
  ...creates,
  ...updates,
  ...patches,
  ...statuses,
  ...reads,
  ...watches,
  ...applies,
  ...deletes,
  ...definitions.change,
];

const maxAttempts = 100;
const attemptMs = 100;

const program = new Command("npm run -s oracle --")
  .description("take the simulator and a real API server through one script of requests and compare their answers")
  .option("--listed", "show the differences that are listed, too")
  .option("--write-docs", "write the list in docs/simulator.md instead")
  .allowUnknownOption(true)
  .allowExcessArguments(true)
  .action(async (_options, command: Command) => {
    const flags = new Flags(command);
    flags.end();
    const differences = readDifferences();
    if (flags.on("write-docs")) writePage(pageState(differences).text);
    else process.exitCode = await askBoth(differences, flags.on("listed"));
  });

async function askBoth(differences: readonly Difference[], showsListed: boolean): Promise<number> {
  const page = pageState(differences);
  const folder = buildServers();
  if (folder === undefined) return finish({ passed: 0, failed: 0 });
  const simulator = await startSimulator({ clusters: 1, seed: 1, preset: "tiny" });
  const real = await startRealServer(folder).catch(async (error: unknown) => {
    await simulator.close();
    throw error;
  });
  try {
    const ours = simulatorApi(simulator.kubeconfig());
    for (const { metadata } of await productDefinitions(ours)) {
      await ours.send({ method: "DELETE", path: `${crds}/${metadata.name}` });
    }
    for (const name of [namespace, clientNamespace]) {
      const made = await ours.send({ method: "POST", path: "/api/v1/namespaces", body: { metadata: { name } } });
      if (made.status !== 201) throw new Error(`the simulator has no namespace to work in: ${JSON.stringify(made)}`);
    }
    const counts = { passed: 0, failed: 0 };
    const count = (title: string, problems: readonly string[]): void => {
      counts[problems.length === 0 ? "passed" : "failed"]++;
      if (problems.length > 0) console.log(`FAIL ${title}\n${problems.map((problem) => `     ${problem}`).join("\n")}`);
    };
    const shown = await compare(real.api, ours, differences, showsListed, count);
    for (const { what, match } of differences) {
      const gone = match.filter((pattern) => !shown.has(pattern));
      count(
        `listed: ${what}`,
        gone.map((pattern) => `does not show any more: ${pattern}`),
      );
    }
    count("docs/simulator.md lists them", page.isCurrent ? [] : ["write it with npm run oracle -- --write-docs"]);
    for (const [title, check] of clientChecks(real, simulator.kubeconfig())) {
      count(
        title,
        await check().then(
          () => [],
          (error: unknown) => [String(error)],
        ),
      );
    }
    await ours.close();
    return finish(counts);
  } finally {
    await Promise.all([real.close(), simulator.close()]);
  }
}

const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** The simulator begins with them; a real server does not. */
async function productDefinitions(ours: Api): Promise<readonly { readonly metadata: { readonly name: string } }[]> {
  const { body } = await ours.send({ method: "GET", path: crds });
  return (body as { items: { metadata: { name: string } }[] }).items;
}

/** Takes both servers through the script. Returns the patterns of the list that were needed. */
async function compare(
  real: Api,
  ours: Api,
  differences: readonly Difference[],
  showsListed: boolean,
  count: (title: string, problems: readonly string[]) => void,
): Promise<ReadonlySet<string>> {
  const shown = new Set<string>();
  const answers = new Map([real, ours].map((api) => [api, new Map<string, KubernetesBody>()] as const));
  const ask = async (api: Api, { title, request, until = () => true }: Step): Promise<Reply> => {
    const earlier = answers.get(api) as Map<string, KubernetesBody>;
    const bodyOf = (step: string): KubernetesBody => {
      const body = earlier.get(step);
      if (body?.metadata === undefined) throw new Error(`${api.name} has no usable answer to "${step}"`);
      return body;
    };
    const sent: Request = typeof request === "function" ? request(bodyOf) : request;
    let reply = await api.send(sent);
    for (let i = 0; i < maxAttempts && !until(reply.body as KubernetesBody); i++) {
      await new Promise((resolve) => setTimeout(resolve, attemptMs));
      reply = await api.send(sent);
    }
    earlier.set(title, reply.body as KubernetesBody);
    return reply;
  };
  for (const step of script) {
    const asked = await Promise.allSettled([ask(real, step), ask(ours, step)]);
    const [theirs, own] = asked;
    if (theirs.status === "rejected" || own.status === "rejected") {
      count(
        step.title,
        asked.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : [])),
      );
      continue;
    }
    const unlisted = mismatchesOf(theirs.value, own.value, step.picks).filter((mismatch) => {
      const pattern = patternFor(differences, step.title, mismatch);
      if (pattern !== undefined) shown.add(pattern);
      if (pattern !== undefined && showsListed) console.log(`listed: ${step.title}: ${said(mismatch)}`);
      return pattern === undefined;
    });
    count(step.title, unlisted.map(said));
  }
  return shown;
}

const maxShown = 600;
const shortened = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, maxShown);
const said = ({ path, real, ours }: Mismatch): string =>
  `${path}: real ${shortened(real)}, simulated ${shortened(ours)}`;

function simulatorApi(kubeconfig: string): Api {
  const { clusters, users } = parse(kubeconfig) as {
    clusters: { name: string; cluster: { server: string; "certificate-authority-data": string } }[];
    users: { name: string; user: { token: string } }[];
  };
  const hub = clusters.find(({ name }) => name === "hub")?.cluster;
  const token = users.find(({ name }) => name === "hub")?.user.token;
  if (hub === undefined || token === undefined) throw new Error("the kubeconfig has no hub");
  const ca = Buffer.from(hub["certificate-authority-data"], "base64").toString();
  return new Api("the simulator", hub.server, { ca }, token);
}

function finish({ passed, failed }: { readonly passed: number; readonly failed: number }): number {
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

await runProgram(program, "oracle");
