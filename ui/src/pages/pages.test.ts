import { expect, it } from "vitest";
import type { Project } from "../model/project";
import { rowOf } from "../replica/replica";
import { instantOf } from "./Accounts";
import { mayRole } from "./bench";
import { imageParts, imagesOf } from "./images";

it("an image is a place and a version, whatever ports and digests it has", () => {
  expect(["web", "web:1", "host:5000/web", "host:5000/web:1.2", "web@sha256:ab", "h/web:1@sha256:ab"].map(imageParts)).toEqual([
    ["web", "latest"],
    ["web", "1"],
    ["host:5000/web", "latest"],
    ["host:5000/web", "1.2"],
    ["web", "sha256:ab"],
    ["h/web", "1@sha256:ab"],
  ]);
});

it("images of which several versions run come first, each application once", () => {
  const row = (name: string, images: string[]) => rowOf({ metadata: { name, namespace: "argocd" }, status: { summary: { images } } });
  const found = imagesOf([row("a", ["web:1", "side:1", "web:1"]), row("b", ["web:2", "side:1"]), row("c", ["web:2"])]);
  expect(found.map((one) => [one.repository, one.apps, one.versions.map((version) => `${version.tag} ${version.apps.length}`)])).toEqual([
    ["web", 3, ["2 2", "1 1"]],
    ["side", 2, ["1 2"]],
  ]);
});

it("a role may what a line of its own allows, unless one denies it; the line is named", () => {
  const policies = ["p, proj:shop:dev, applications, *, shop/*, allow", "p, proj:shop:dev, applications, delete, shop/vault, deny", "p, role:admin, applications, *, *, allow", "no line"];
  const project: Project = { metadata: { name: "shop" }, spec: { roles: [{ name: "dev", policies }] } };
  const ask = (action: string, object: string) => mayRole(project, "dev", { resource: "applications", action, object });
  expect(ask("sync", "shop/web")).toEqual({ allowed: true, line: policies[0] });
  expect(ask("delete", "shop/vault")).toEqual({ allowed: false, line: policies[1] });
  expect(ask("sync", "bank/web")).toEqual({ allowed: false, line: "" });
  expect(mayRole(project, "nobody", { resource: "applications", action: "get", object: "shop/web" }).allowed).toBe(false);
});

it("instants of tokens are seconds, and none is none", () => {
  expect([instantOf("0"), instantOf(undefined), instantOf(1)]).toEqual(["", "", "1970-01-01T00:00:01.000Z"]);
});
