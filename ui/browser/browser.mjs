/** The browser that pictures and tests use: CHROMIUM, else that of PATH, else the one of this folder's own packages. */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

function fromPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const folder of (process.env.PATH ?? "").split(delimiter))
    for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // the next one
      }
    }
  return "";
}

/** Start it. */
export async function browser() {
  const found = fromPath();
  if (found) return chromium.launch({ executablePath: found, args: ["--no-sandbox"] });
  const packed = (await import("@sparticuz/chromium")).default;
  return chromium.launch({ executablePath: await packed.executablePath(), args: packed.args });
}

/** A page that notes what a person would not see: errors of scripts and of the policy, and dialogs that somebody opened. */
export async function opened(running, options = {}) {
  const context = await running.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", ...options });
  // What hangs is ended; how fast a machine is decides nothing.
  context.setDefaultTimeout(Number(process.env.PATIENCE ?? 120_000));
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error.stack ?? error)));
  page.on("console", (message) => {
    // That the server said no, or nothing, is told by the page itself.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(message.text());
  });
  page.on("dialog", (dialog) => {
    faults.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return { page, context, faults };
}
