// Content negotiation: the first entry of Accept that this server can answer wins, unknown entries are skipped, and only when
// nothing is left is the request refused. Answers are JSON or protobuf, whole objects, their metadata, or a table of them.
import { PROTOBUF_TYPE } from "../../kube/protobuf/envelope.ts";
import type { ObjectForm } from "./engine.ts";
import { ApiError } from "./status.ts";

export type DiscoveryForm = "legacy" | "v2" | "v2beta1";

interface AcceptEntry {
  readonly mediaType: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const maxEntries = 32;

function parseAccept(header: string | undefined): AcceptEntry[] {
  if (header === undefined || header.trim() === "") return [{ mediaType: "*/*", parameters: new Map() }];
  return header
    .split(",", maxEntries)
    .map((entry) => {
      const [mediaType = "", ...parameters] = entry.split(";").map((part) => part.trim());
      const pairs = parameters.map((parameter) => parameter.split("=", 2) as [string, string]);
      return { mediaType: mediaType.toLowerCase(), parameters: new Map(pairs) };
    })
    .filter((entry) => entry.parameters.get("q") !== "0");
}

const isProtobuf = (entry: AcceptEntry): boolean => entry.mediaType === PROTOBUF_TYPE;

const isJson = (entry: AcceptEntry): boolean =>
  entry.mediaType === "application/json" || entry.mediaType === "*/*" || entry.mediaType === "application/*";

const notAcceptable = (): ApiError =>
  new ApiError(
    406,
    "NotAcceptable",
    "only the following media types are accepted: application/json, application/json;as=Table;g=meta.k8s.io;v=v1, application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
  );

/** What of an object is answered, and in which encoding. */
export interface Negotiated {
  readonly form: ObjectForm;
  readonly encoding: "json" | "protobuf";
  /** The apiVersion of the table around the objects; undefined without one. */
  readonly table: string | undefined;
}

/** What a request can be answered with. */
export interface Offer {
  readonly isList: boolean;
  /** Whether whole objects can be protobuf; their metadata can wherever anything can. */
  readonly protobuf: "all" | "metadata" | "none";
}

/** The form in which a resource is answered. Throws ApiError 406. */
export function negotiateObject(accept: string | undefined, { isList, protobuf }: Offer): Negotiated {
  const metadataName = isList ? "PartialObjectMetadataList" : "PartialObjectMetadata";
  for (const entry of parseAccept(accept)) {
    const encoding = isProtobuf(entry) ? "protobuf" : "json";
    if (encoding === "json" ? !isJson(entry) : protobuf === "none") continue;
    const as = entry.parameters.get("as");
    if (as === undefined) {
      if (encoding === "json" || protobuf === "all") return { form: "full", encoding, table: undefined };
      continue;
    }
    const version = entry.parameters.get("v");
    if (entry.parameters.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) continue;
    if (as === metadataName && version === "v1") return { form: "metadata", encoding, table: undefined };
    if (as === "Table" && encoding === "json") return { form: "full", encoding, table: `meta.k8s.io/${version}` };
  }
  throw notAcceptable();
}

/** The form of /api and /apis: clients compare the parameters exactly, so the first version they list is answered, and lists to those who list none. */
export function negotiateDiscovery(accept: string | undefined): DiscoveryForm {
  for (const entry of parseAccept(accept)) {
    if (!isJson(entry)) continue;
    const as = entry.parameters.get("as");
    if (as === undefined) return "legacy";
    const version = entry.parameters.get("v");
    const isDiscovery = as === "APIGroupDiscoveryList" && entry.parameters.get("g") === "apidiscovery.k8s.io";
    if (isDiscovery && (version === "v2" || version === "v2beta1")) return version;
  }
  return "legacy";
}
