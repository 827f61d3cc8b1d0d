/** Pictures of every page at three sizes, light and dark: `node stage/pictures.mjs FOLDER [WORD IN A NAME]`. */

import { mkdirSync } from "node:fs";
import { browser as started } from "../browser/browser.mjs";
import { PAGES, STATES } from "./pages.mjs";
import { serve } from "./server.mjs";

const SIZES = { 1440: 900, 820: 1100, 390: 844 };

const [folder = "build/pictures", only = ""] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const { server, address } = await serve(0, 312);
const browser = await started();
for (const [width, height] of Object.entries(SIZES))
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width: Number(width), height }, colorScheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.on("console", (message) => message.type() === "error" && console.error(page.url(), message.text()));
    page.on("pageerror", (error) => console.error(page.url(), error.stack));
    const take = async (name, path, stage = "") => {
      if (!`${name}-${width}-${colorScheme}`.includes(only)) return;
      await context.clearCookies();
      if (stage) await context.addCookies([{ name: "stage", value: stage, url: address }]);
      await page.goto(address + path);
      await page.waitForTimeout(Number(process.env.PAUSE ?? 450));
      await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png` });
    };
    for (const [name, path] of Object.entries(PAGES)) await take(name, path);
    for (const [name, stage] of Object.entries(STATES)) await take(name, "/applications", stage);
    await context.close();
  }
await browser.close();
server.closeAllConnections();
server.close();
