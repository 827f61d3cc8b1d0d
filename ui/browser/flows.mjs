/** What people do, in a real browser over a real server: `node flows.mjs ADDRESS APPLICATION`, the password by stdin. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { browser, opened } from "./browser.mjs";

const [address, name] = process.argv.slice(2);
const password = readFileSync(0, "utf8").trim();
const running = await browser();
const { page, context, faults } = await opened(running);
const there = (text) => page.getByText(text).first().waitFor();

const flows = {
  async "signs in, after a password that was wrong"() {
    await page.goto(`${address}/applications/argocd/${name}/changes`);
    await page.getByLabel("Name").fill("admin");
    await page.getByLabel("Password").fill(`${password}x`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name }).waitFor();
  },
  async "reads what is to be created; a Secret's value is in no page"() {
    await there("is not in the cluster, a sync creates it");
    assert.ok(!(await page.content()).includes("open-sesame"));
    assert.ok(!(await page.content()).includes(Buffer.from("open-sesame").toString("base64")));
  },
  async "syncs by the plan, and sees it become healthy without asking again"() {
    await page.getByRole("button", { name: "Sync…" }).first().click();
    await there(/It will create \d objects/);
    await page.getByRole("button", { name: "Sync", exact: true }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.locator("header .state", { hasText: "Healthy" }).waitFor();
  },
  async "follows the picture from Git to a Pod, and the Pod to its log line"() {
    await page.getByRole("link", { name: "Topology" }).click();
    await page.locator(".column", { hasText: "Pods" }).waitFor();
    await page.getByRole("link", { name: /web-/ }).first().click();
    await page.getByRole("dialog").getByText("kind: Pod").waitFor();
    await page.getByRole("link", { name: "Its log" }).click();
    await there("reading configuration");
  },
  async "an object's markup is text"() {
    await page.goto(`${address}/applications/argocd/${name}?object=%2FConfigMap%2F${name}%2Fhostile`);
    await there("<img src=x onerror=");
    assert.equal(await page.locator("main img, dialog img").count(), 0);
  },
  async "signs out, and sees nothing any more"() {
    await page.goto(`${address}/applications`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    assert.equal((await context.request.get(`${address}/api/v1/applications`)).status(), 401);
  },
};

try {
  for (const [what, flow] of Object.entries(flows)) {
    await flow();
    console.log(what);
  }
  assert.deepEqual(faults, []);
} catch (error) {
  console.error(error, page.url(), (await page.innerText("body").catch(() => "")).slice(0, 2_000), faults);
  process.exitCode = 1;
} finally {
  await running.close();
}
