/** Pictures of every page at three sizes, light and dark: `node stage/pictures.mjs FOLDER [WORD IN A NAME]`. */

import { mkdirSync } from "node:fs";
import { browser as started } from "../browser/browser.mjs";
import { serve } from "./server.mjs";

const PAGES = {
  fleet: "/applications",
  "fleet-grouped": "/applications?group=project",
  "fleet-none": "/applications?q=nothing-like-this",
  topology: "/applications/argocd/web",
  changes: "/applications/argocd/checkout/changes",
  sync: "/applications/argocd/checkout/changes?do=sync",
  activity: "/applications/argocd/web/activity",
  rollback: "/applications/argocd/web/activity?rollback=4",
  logs: "/applications/argocd/web/logs",
  object: "/applications/argocd/web/topology?object=apps%2FDeployment%2Fweb%2Fweb",
  find: "/applications?find=web",
  "fleet-tree": "/applications?group=parent",
  create: `/new?draft=${encodeURIComponent("metadata:\n  name: web\nspec:\n  project: shop\n  source:\n    repoURL: https://git.example.com/shop/deploy.git\n    path: apps/web\n    targetRevision: main\n  destination:\n    name: eu-west\n    namespace: shop-web\n  syncPolicy:\n    automated:\n      prune: true\n")}`,
  "create-first": "/new",
  edit: "/applications/argocd/web?do=edit",
  parameters: "/applications/argocd/web?do=parameters",
  pause: "/applications/argocd/web?do=pause",
  delete: "/applications/argocd/web?do=delete",
  images: "/images",
  accounts: "/accounts",
  tokens: "/accounts?account=ada&do=tokens",
  hostile: "/applications/argocd/hostile",
  "no-such": "/applications/argocd/none",
  projects: "/projects/shop",
  repositories: "/repositories",
  clusters: "/clusters",
  settings: "/settings",
  keys: "/applications?keys=1",
};
const STATES = { loading: "loading", empty: "empty", forbidden: "forbidden", stale: "stale", "sign-in": "signedout" };
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
