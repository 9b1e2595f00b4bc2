// The web page: built files, and its own document for every path that is not a file, so that links into the page work.
import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const notBuilt = "The dashboard is not built, so there is no page to show. The API is served under /api/v1.\n";

/** Serves the page. Returns what answers a GET that no route took; false: it is not for the page. */
export async function registerPage(
  app: FastifyInstance,
  staticDir: string | undefined,
): Promise<(request: FastifyRequest, reply: FastifyReply) => boolean> {
  if (staticDir === undefined || !existsSync(join(staticDir, "index.html"))) {
    return (request, reply) => {
      if (!isPagePath(request.url)) return false;
      void reply.code(503).header("retry-after", "60").type("text/plain; charset=utf-8").send(notBuilt);
      return true;
    };
  }
  await app.register(fastifyStatic, {
    root: staticDir,
    dotfiles: "ignore",
    cacheControl: false,
    setHeaders(reply, path) {
      reply.header("cache-control", cachePolicy(path));
    },
  });
  return (request, reply) => {
    if (!isPagePath(request.url)) return false;
    void reply.sendFile("index.html");
    return true;
  };
}

/** A view within the page: no API path, and no file, which would have been found. */
function isPagePath(url: string): boolean {
  const path = url.split("?", 1)[0] ?? "";
  return !/^\/api(?:\/|$)/.test(path) && !/\.[^/]*$/.test(path);
}

/** Files under assets/ have their content's hash in their name; everything else is asked for again each time. */
function cachePolicy(path: string): string {
  return /[\\/]assets[\\/]/.test(path) ? "public, max-age=31536000, immutable" : "no-cache";
}
