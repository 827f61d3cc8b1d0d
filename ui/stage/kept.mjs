/** Pictures that are kept beside the documentation, each page at three sizes, as small as they can be read: `node stage/kept.mjs FOLDER [NAME]`. */

import { mkdirSync, writeFileSync } from "node:fs";
import { browser as started } from "../browser/browser.mjs";
import { PAGES } from "./pages.mjs";
import { serve } from "./server.mjs";

/** Two of the sizes are light and one is dark: both themes are seen, and nothing is kept twice. */
const SIZES = [
  [1440, 900, "light", 0.55],
  [820, 1100, "light", 0.5],
  [390, 844, "dark", 0.65],
];
/** Those that a reader sees without a click are as large as they are. */
const WHOLE = ["fleet-1440", "topology-1440"];
const KEPT = ["fleet", "fleet-tree", "find", "topology", "object", "changes", "sync", "activity", "rollback", "compare", "logs", "create", "edit", "parameters", "pause", "delete", "audit", "images", "bench", "repositories", "clusters", "accounts", "settings"];
const QUALITY = 45;

const [folder, only = ""] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const { server, address } = await serve(0, 312);
const browser = await started();
let bytes = 0;
for (const [width, height, colorScheme, small] of SIZES) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  const camera = await context.newCDPSession(page);
  for (const name of KEPT.filter((one) => one.includes(only))) {
    await page.goto(address + PAGES[name], { waitUntil: "domcontentloaded" });
    await page.locator("h1, dialog h2").first().waitFor({ state: "attached" });
    await page.locator(".waiting").waitFor({ state: "detached" });
    await page.waitForTimeout(Number(process.env.PAUSE ?? 500));
    const { data } = await camera.send("Page.captureScreenshot", { format: "webp", quality: QUALITY, clip: { x: 0, y: 0, width, height, scale: WHOLE.includes(`${name}-${width}`) ? 1 : small } });
    const picture = Buffer.from(data, "base64");
    bytes += picture.length;
    writeFileSync(`${folder}/${name}-${width}.webp`, picture);
  }
  await context.close();
}
await browser.close();
server.closeAllConnections();
server.close();
console.log(`${Math.round(bytes / 1024)} KiB in ${folder}`);
