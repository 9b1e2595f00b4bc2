// WWW-Authenticate as registries write it (RFC 9110 §11.6.1, and the token specification of the Distribution project). Pure.

/** What a registry wants to see. Anything else is no challenge that a hub can answer. */
export type Challenge =
  | { readonly scheme: "basic" }
  | { readonly scheme: "bearer"; readonly realm: string; readonly service: string; readonly scope: string };

const maxHeaderLength = 4_096;
const parameter = /([a-zA-Z]+)="([^"]{0,2048})"/g;

/** The challenge of the header; bearer before basic. Undefined for none, and for headers that are too long. */
export function parseChallenge(header: string): Challenge | undefined {
  if (header.length > maxHeaderLength) return undefined;
  const bearer = /(?:^|,)\s*bearer\s+(.*)$/i.exec(header)?.[1];
  if (bearer !== undefined) {
    const values = new Map(
      [...bearer.matchAll(parameter)].map(([, name = "", value = ""]) => [name.toLowerCase(), value]),
    );
    const realm = values.get("realm");
    if (realm !== undefined)
      return { scheme: "bearer", realm, service: values.get("service") ?? "", scope: values.get("scope") ?? "" };
  }
  return /(?:^|,)\s*basic(?:\s|$)/i.test(header) ? { scheme: "basic" } : undefined;
}
