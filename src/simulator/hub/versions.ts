// Types whose objects are kept in the form of another one: requests go to that one, answers come back in the form that was asked for.
import { apiVersionOf, type StoredAs } from "../http/catalog.ts";
import type { Answer, ResourceRequest } from "../http/engine.ts";

type Json = Record<string, unknown>;

/** The same request for the stored form. A patch stays as it is: it is meant for the form that was asked for. */
export function storedRequest(request: ResourceRequest, stored: StoredAs): ResourceRequest {
  const isObject =
    request.verb === "create" || request.verb === "update" || request.contentType.includes("apply-patch");
  const isBody = isObject && typeof request.body === "object" && request.body !== null;
  const query = new URLSearchParams(request.query);
  const selector = query.get("fieldSelector");
  if (selector)
    query.set(
      "fieldSelector",
      selector.replace(/(^|,)([A-Za-z.]+)/g, (_, comma, field) => comma + stored.storedField(field)),
    );
  return { ...request, type: stored.type, query, body: isBody ? stored.toStored(request.body as Json) : request.body };
}

/** The answer of the stored form in the form that was asked for. */
export function shownAnswer(answer: Answer, request: ResourceRequest, stored: StoredAs): Answer {
  if (request.form === "metadata") return answer;
  const show = (text: string): string => shownText(text, request, stored);
  if (answer.type === "body") return { ...answer, text: show(answer.text) };
  return {
    type: "watch",
    start: (sink) =>
      answer.start({
        end: () => sink.end(),
        write: (line) => {
          const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: Json };
          if (type !== "ERROR") sink.write(JSON.stringify({ type, object: stored.fromStored(object) }));
          else sink.write(line);
        },
      }),
  };
}

function shownText(text: string, { type, verb }: ResourceRequest, stored: StoredAs): string {
  const document = JSON.parse(text) as Json;
  if (document["kind"] === "Status") return text;
  if (verb !== "list") return JSON.stringify(stored.fromStored(document));
  const items = (document["items"] as readonly Json[]).map((item) => {
    const { apiVersion, ...shown } = stored.fromStored(item);
    return type.builtIn ? shown : { apiVersion, ...shown };
  });
  return JSON.stringify({ ...document, apiVersion: apiVersionOf(type), items });
}

/** A change of the form that was asked for, as one of the stored form. */
export const storedChange =
  (change: (current: unknown) => unknown, stored: StoredAs | undefined) =>
  (current: unknown): unknown =>
    stored === undefined ? change(current) : stored.toStored(change(stored.fromStored(current as Json)) as Json);
