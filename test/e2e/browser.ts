// A real browser for tests of the page, and what every such test wants to know: did the page complain?
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

const executablePath = "/usr/bin/chromium";

/**
 * Launches Chromium. Without one: fails where services are required (CLUSTERPULSE_REQUIRE_SERVICES=1), else says so loudly and
 * returns null, for the caller to skip.
 */
export async function launchBrowser(): Promise<Browser | null> {
  if (!existsSync(executablePath)) {
    const message = `No browser at ${executablePath}: the page is not tested. Install Debian's package "chromium".`;
    if (process.env["CLUSTERPULSE_REQUIRE_SERVICES"] === "1") throw new Error(message);
    console.warn(`SKIPPED: ${message}`);
    return null;
  }
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

export interface OpenPage {
  readonly page: Page;
  /** Errors on the console, uncaught exceptions and violations of the content security policy so far. */
  readonly problems: string[];
}

/** Opens a page at `url` in a fresh profile and waits until it has shown something. */
export async function openPage(
  browser: Browser,
  url: string,
  options: { dark?: boolean; width?: number } = {},
): Promise<OpenPage> {
  const page = await browser.newPage({
    viewport: { width: options.width ?? 1440, height: 900 },
    colorScheme: options.dark === true ? "dark" : "light",
  });
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(url);
  await page.waitForSelector("[data-cluster], [data-actor], .pf-v6-c-empty-state");
  return { page, problems };
}

/** A picture of the page at rest, 1440 × 900, as used in the documentation: live, nothing hovered, no animation. */
export async function takePicture(page: Page, path: string): Promise<void> {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.mouse.move(0, 0);
  await page.waitForSelector("[data-connection=live]");
  await page.screenshot({ path, animations: "disabled" });
}
