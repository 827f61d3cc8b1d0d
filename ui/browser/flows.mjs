/**
 * What people do, in a real browser over a real server: `node flows.mjs ADDRESS APPLICATION PART`, the password by stdin. Between
 * `first` and `then` another commit and a change by hand have come.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { browser, opened } from "./browser.mjs";

const [address, name, part] = process.argv.slice(2);
const password = readFileSync(0, "utf8").trim();
const running = await browser();
const { page, context, faults } = await opened(running);
const there = (text) => page.getByText(text).first().waitFor();

const signIn = async () => {
  await page.getByLabel("Username").fill("admin");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
};
const signOut = async () => {
  await page.goto(`${address}/applications`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  assert.equal((await context.request.get(`${address}/api/v1/applications`)).status(), 401);
};
const closed = () => page.getByRole("dialog").waitFor({ state: "detached" });

/** The name of a Pod that was seen. */
let pod = "";

const first = {
  async "signs in, after a password that was wrong"() {
    await page.goto(`${address}/applications/argocd/${name}/changes`);
    await page.getByLabel("Username").fill("admin");
    await page.getByLabel("Password").fill(`${password}x`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    await signIn();
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
    await closed();
    await page.locator("header .state", { hasText: "Healthy" }).waitFor();
  },
  async "follows the picture from Git to a Pod, and the Pod to its log line"() {
    await page.getByRole("link", { name: "Topology" }).click();
    await page.locator(".column", { hasText: "Pods" }).waitFor();
    pod = (await page.locator(".node .title", { hasText: /^web-/ }).first().innerText()).trim();
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
  async "creates another one like it, after the server has read its source"() {
    await page.goto(`${address}/new?from=argocd%2F${name}`);
    await page.getByLabel("Path").fill("nowhere");
    await there("The server cannot read it");
    await page.getByLabel("Path").fill("app");
    await page.getByLabel("Namespace", { exact: true }).fill(`${name}-two`);
    await page.getByLabel("Name", { exact: true }).fill(`${name}-two`);
    await there("The server has read it: a folder of manifests");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByRole("heading", { name: `${name}-two` }).waitFor();
    await page.locator("header .state", { hasText: "Missing" }).waitFor();
  },
  async "turns automation on and off, and what is shown is what the server has"() {
    await page.goto(`${address}/applications/argocd/${name}-two?do=resume`);
    await page.getByRole("button", { name: "Turn it on" }).click();
    await closed();
    await page.locator("header .state", { hasText: "Healthy" }).waitFor();
    await page.goto(`${address}/applications/argocd/${name}-two?do=pause`);
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await closed();
    await page.reload();
    await there("Manual sync");
  },
  async "finds an object by keys alone"() {
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill(`deployment web ${name}-two`);
    await page.getByRole("option", { name: /Deployment web/ }).waitFor();
    await page.getByRole("combobox").fill(pod);
    await page.getByRole("option", { name: `Pod ${pod}` }).waitFor();
    await page.getByRole("combobox").fill(`deployment web ${name}-two`);
    await page.getByRole("option", { name: /Deployment web/, selected: true }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByText("kind: Deployment").waitFor();
  },
  "signs out, and sees nothing any more": signOut,
};

const then = {
  async "signs in, and reads who changed what by hand"() {
    await page.goto(`${address}/applications/argocd/${name}/changes`);
    await signIn();
    await there("written by kubectl-edit");
  },
  async "syncs one object of the two that differ"() {
    await page.getByRole("checkbox", { name: /Select Deployment/ }).check();
    await page.getByRole("button", { name: "Sync 1 object…" }).click();
    await there("Only 1 selected object");
    await page.getByRole("button", { name: "Sync", exact: true }).click();
    await closed();
    await there("1 object differs from Git");
  },
  async "syncs the rest, compares two deployments, and goes back to the first"() {
    await page.getByRole("button", { name: "Sync…" }).first().click();
    await page.getByRole("button", { name: "Sync", exact: true }).click();
    await closed();
    // The sentence above the tabs has settled: nothing moves under the pointer.
    await there("Every object is as Git declares");
    await page.getByRole("link", { name: "Activity" }).click();
    await page.getByRole("link", { name: "Compare…" }).last().click();
    await page.getByRole("dialog").getByText("registry.example/web:2").waitFor();
    await page.keyboard.press("Escape");
    await closed();
    await page.getByRole("link", { name: "Roll back…" }).last().click();
    await page.getByRole("dialog").getByText("registry.example/web:2").waitFor();
    await page.getByRole("button", { name: /^Roll back to/ }).click();
    await closed();
    await there(/Rolled back to .* by admin/);
  },
  async "deletes the other one, once its name was typed"() {
    await page.goto(`${address}/applications/argocd/${name}-two?do=delete`);
    await there(/3 objects are deleted/);
    assert.ok(await page.getByRole("button", { name: "Delete", exact: true }).isDisabled());
    await page.getByLabel(/^Type/).fill(`${name}-two`);
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.waitForURL("**/applications");
    await page.getByRole("link", { name, exact: true }).waitFor();
    await page.getByRole("link", { name: `${name}-two` }).waitFor({ state: "detached" });
  },
  "signs out, and sees nothing any more": signOut,
};

try {
  for (const [what, flow] of Object.entries({ first, then }[part])) {
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
