/** Every page in a real browser, over a fleet made up: what only a browser can tell. `node --test browser/`. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { HOSTILE } from "../stage/fleet.mjs";
import { serve } from "../stage/server.mjs";
import { browser, opened } from "./browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A page's address, and the text that is there when it is. */
const PAGES = [
  ["/applications", "ledger"],
  ["/applications?group=project&keys=1", "Search and filter"],
  ["/applications?q=nothing-like-this", "No application matches"],
  ["/applications/argocd/web", "web-7f44-m0c"],
  ["/applications/argocd/web?object=apps%2FDeployment%2Fweb%2Fweb", "kind: Deployment"],
  ["/applications/argocd/checkout/changes", "replicas: "],
  ["/applications/argocd/checkout/changes?do=sync", "It will change 2 objects."],
  ["/applications/argocd/web/activity", "Failed, 7 times"],
  ["/applications/argocd/checkout/activity?rollback=4", "Git stays as it is"],
  ["/applications/argocd/web/logs", "cannot reach payments"],
  ["/applications/argocd/none", "There is no application none"],
  ["/applications?find=web-7f44-m0c", "Pod web-7f44-m0c"],
  ["/applications?group=parent", "platform › shop-apps"],
  ["/new", "2 things are in the way"],
  ["/applications/argocd/web?do=edit", "Nothing is changed yet"],
  ["/applications/argocd/web?do=parameters", "Prefix of names"],
  ["/applications/argocd/web?do=pause", "Nothing is applied by itself any more"],
  ["/applications/argocd/web?do=delete", "9 objects are deleted from eu-west"],
  ["/images", "registry.example.com/web"],
  ["/accounts?account=ada&do=tokens", "Make a token"],
  ["/accounts", "robot"],
  ["/projects/shop?role=deployer&action=sync&object=shop%2Fweb", "This line of the role allows it:"],
  ["/projects/shop", "The shop and what it needs"],
  ["/repositories", "connection refused"],
  ["/clusters", "Not reached"],
  ["/settings", "Example ID"],
  ["/no/such/page", "There is no such page"],
];
const STATES = [
  ["empty", "No application yet"],
  ["forbidden", "You may not see applications"],
  ["signedout", "Sign in with Example ID"],
];

let running;
let stage;
before(async () => {
  [running, stage] = [await browser(), await serve()];
});
after(async () => {
  await running?.close();
  stage?.server.closeAllConnections();
  stage?.server.close();
});

const there = (page, text) => page.getByText(text).first().waitFor();

async function violations(page) {
  await page.evaluate(AXE);
  const told = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return told.violations.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary.split("\n")[1] ?? ""}`).slice(0, 3).join(" | ")}`);
}

for (const colorScheme of ["light", "dark"])
  test(`everybody can use every page (${colorScheme}), and none breaks its policy`, async () => {
    const { page, context, faults } = await opened(running, { colorScheme });
    const found = [];
    const look = async (name, text) => {
      await page.goto(stage.address + name);
      await there(page, text);
      for (const one of await violations(page)) found.push(`${name}: ${one}`);
    };
    for (const [path, text] of PAGES) await look(path, text);
    for (const [state, text] of STATES) {
      await context.addCookies([{ name: "stage", value: state, url: stage.address }]);
      await look("/applications", text);
    }
    assert.deepEqual(found, []);
    assert.deepEqual(faults, []);
    await context.close();
  });

test("on a phone no page is wider than the screen", async () => {
  const { page, context } = await opened(running, { viewport: { width: 390, height: 844 } });
  const wide = [];
  for (const [path, text] of PAGES) {
    await page.goto(stage.address + path);
    await there(page, text);
    if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) wide.push(path);
  }
  assert.deepEqual(wide, []);
  await context.close();
});

test("a hostile application is text everywhere", async () => {
  const { page, context, faults } = await opened(running);
  for (const tab of ["topology", "changes", "activity", "logs", "topology?object=%2F%3Cimg%2F%2F%3Cscript%3E"]) {
    await page.goto(`${stage.address}/applications/argocd/hostile/${tab}`);
    await there(page, "‹U+202E›");
    assert.equal(await page.locator("main img, main script, a[href^='javascript']").count(), 0);
    assert.ok(!(await page.innerText("body")).includes(HOSTILE.slice(HOSTILE.indexOf("\u202e"))));
    assert.match(await page.title(), /Trueup$/);
  }
  await page.goto(`${stage.address}/applications?q=${encodeURIComponent(HOSTILE)}&group=${encodeURIComponent(`label:${HOSTILE}`)}`);
  await there(page, "No application matches");
  assert.deepEqual(faults, []);
  await context.close();
});

test("three keys from what is broken to its page, and back", async () => {
  const { page, context } = await opened(running);
  await page.goto(`${stage.address}/applications`);
  await there(page, "ledger");
  await page.keyboard.press("/");
  await page.keyboard.type("!project:bank state:Degraded web");
  await page.getByText("3 of 60 applications").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("q"), "!project:bank state:Degraded web");
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/applications/argocd/web");
  // The address is there before the page is, which knows the next key.
  await page.getByRole("heading", { name: "web" }).waitFor();
  await page.keyboard.press("]");
  await page.waitForURL("**/web/changes");
  await page.goBack();
  await page.goBack();
  await page.getByText("3 of 60 applications").waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.ok(!page.url().includes("keys"));
  await context.close();
});

test("anything is found by its name, by keys alone, and a command opens what it is about", async () => {
  const { page, context, faults } = await opened(running);
  await page.goto(`${stage.address}/applications?q=bank`);
  await there(page, "ledger");
  await page.keyboard.press("Control+k");
  const line = page.getByRole("combobox", { name: /Find an application/ });
  await line.fill("web-7f44-m0c");
  await page.getByRole("option", { name: /Pod web-7f44-m0c/ }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("find"), "web-7f44-m0c");
  assert.equal(await line.getAttribute("aria-activedescendant"), await page.getByRole("listbox", { name: "What was found" }).getByRole("option", { selected: true }).getAttribute("id"));
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(new URL(page.url()).searchParams.get("q"), "bank");
  await page.keyboard.press("Control+k");
  await line.fill("sync check");
  await page.getByRole("option", { name: /sync checkout/ }).waitFor();
  await page.keyboard.press("Enter");
  await there(page, "It will change 2 objects.");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a new application: what is written in a field stands in the text, and the other way round", async () => {
  const { page, context, faults } = await opened(running);
  await page.goto(`${stage.address}/new`);
  await page.getByLabel("Name", { exact: true }).fill("fresh-one");
  await page.getByLabel("Repository").fill("https://git.example.com/shop/deploy.git");
  const text = page.getByLabel("YAML");
  assert.match(await text.inputValue(), /name: fresh-one/);
  await text.fill((await text.inputValue()).replace("namespace: \"\"", "namespace: web"));
  assert.equal(await page.getByLabel("Namespace", { exact: true }).inputValue(), "web");
  await there(page, "Deploys into namespace web of https://kubernetes.default.svc");
  const asked = page.waitForRequest((request) => request.method() === "POST" && request.url().includes("/applications"));
  await page.getByRole("button", { name: "Create" }).click();
  assert.equal((await asked).postDataJSON().metadata.name, "fresh-one");
  assert.deepEqual(faults, []);
  await context.close();
});

test("many are synced at once, after it was said what will happen", async () => {
  const { page, context } = await opened(running);
  await page.goto(`${stage.address}/applications?q=checkout`);
  await page.getByRole("checkbox", { name: "Select checkout" }).check();
  await page.getByRole("toolbar").getByRole("button", { name: "Sync…" }).click();
  await there(page, "2 objects of 1 application will be made as Git declares.");
  await there(page, "1 object that left Git will stay: pruning is off.");
  await page.getByRole("checkbox", { name: /Delete what left Git/ }).check();
  await there(page, "1 object that left Git will be deleted: Service old.");
  const asked = page.waitForRequest((request) => request.method() === "POST");
  await page.getByRole("button", { name: "Sync 1 application" }).click();
  const body = (await asked).postDataJSON();
  assert.deepEqual([body.name, body.appNamespace, body.prune], ["checkout", "argocd", true]);
  await there(page, "1 of 1 started.");
  await context.close();
});

test("a lost connection is said, what is known stays, and it comes back by itself", async () => {
  const own = await serve();
  const { page, context } = await opened(running);
  await page.goto(`${own.address}/applications`);
  await there(page, "ledger");
  const { port } = own.server.address();
  own.server.closeAllConnections();
  await new Promise((closed) => own.server.close(closed));
  await there(page, "It is being tried again.");
  await there(page, "ledger");
  const again = await serve(port);
  await page.getByText("It is being tried again.").waitFor({ state: "detached" });
  await there(page, "ledger");
  again.server.closeAllConnections();
  again.server.close();
  await context.close();
});

test("of five thousand applications those that can be seen are drawn, and changes move nothing under the pointer", async () => {
  const own = await serve(0, 5_000, 50);
  const { page, context, faults } = await opened(running);
  await page.goto(`${own.address}/applications`);
  await page.getByText("5,000 applications").waitFor();
  assert.ok((await page.locator(".row").count()) < 80);
  const names = () => page.locator(".row .name a").allInnerTexts();
  await page.locator(".fleet").hover({ position: { x: 600, y: 120 } });
  const shown = (await names()).slice(0, 8);
  const state = page.locator(".counts");
  const told = await state.innerText();
  // Changes have come when the counts of states have moved.
  await page.waitForFunction((before) => document.querySelector(".counts")?.innerText !== before, told);
  assert.deepEqual((await names()).slice(0, 8), shown);
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await page.waitForFunction(() => document.querySelector('.row[aria-rowindex="5001"]'));
  assert.ok((await page.locator(".row").count()) < 80);
  assert.deepEqual(faults, []);
  own.server.closeAllConnections();
  own.server.close();
  await context.close();
});
