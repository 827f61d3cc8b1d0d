import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Application, ResourceStatus } from "../model/application";
import { rowOf } from "../replica/replica";
import { hitsOf, rank } from "./hits";
import { foundHits, placesOf, questionOf } from "./served";

const row = (name: string, more: Partial<Application["status"]> = {}, project = "shop") =>
  rowOf({ metadata: { name, namespace: "argocd", labels: { team: "blue" } }, spec: { project, destination: { name: "eu", namespace: name } }, status: { sync: { status: "Synced" }, health: { status: "Healthy" }, ...more } });
const deployment: ResourceStatus = { group: "apps", kind: "Deployment", namespace: "web", name: "api", status: "Synced", health: { status: "Degraded" } };
const rows = [row("web", { resources: [deployment], summary: { images: ["registry.example/api:1.9"] } }), row("web-admin"), row("mail", { health: { status: "Degraded" } })];
const titles = (line: string) => hitsOf(line, rows).map((hit) => `${hit.group}: ${hit.title}`);

describe("the finder", () => {
  it("puts the whole name before its beginning, that before a part, and what is inside last", () => {
    expect([rank("web", "web"), rank("web-admin", "web"), rank("my-web", "web"), rank("cobweb", "web"), rank("mail", "web")]).toEqual([5, 4, 3, 2, 0]);
    expect(titles("web").slice(0, 2)).toEqual(["Applications: web", "Applications: web-admin"]);
  });

  it("finds an object by kind and name, an application by what it runs, by label and by project", () => {
    expect(titles("deployment api")).toContain("Objects: Deployment api");
    expect(hitsOf("deployment api", rows).find((hit) => hit.group === "Objects")?.href).toBe("/applications/argocd/web?object=apps%2FDeployment%2Fweb%2Fapi");
    expect(titles("api:1.9")).toContain("Applications: web");
    expect(titles("blue mail")).toEqual(["Applications: mail"]);
  });

  it("takes a verb, or its beginning, and opens what it is about", () => {
    const [first] = hitsOf("sy web", rows);
    expect([first?.title, first?.href]).toEqual(["sync web", "/applications/argocd/web?do=sync"]);
    expect(hitsOf("logs mail", rows)[0]?.href).toBe("/applications/argocd/mail/logs");
    expect(titles("new app")).toContain("Pages: New application");
  });

  it("nothing typed shows what needs a person first", () => {
    expect(titles("")[0]).toBe("Applications: mail");
  });

  it("whatever is typed: every answer is there once, answers the line, and what needs no room takes none", () => {
    const text = fc.stringMatching(/^[a-c-]{1,5}$/);
    const many = fc.array(fc.record({ name: text, kind: text, object: text }), { maxLength: 60 });
    fc.assert(
      fc.property(many, fc.array(text, { maxLength: 3 }), (made, words) => {
        const all = made.map(({ name, kind, object }, at) => row(`${name}${at}`, { resources: [{ kind, name: object, namespace: "n", status: "Synced" }] }));
        const found = hitsOf(words.join(" "), all);
        expect(new Set(found.map((hit) => hit.id)).size).toBe(found.length);
        for (const hit of found.filter((one) => one.group === "Objects")) for (const word of words) expect(`${hit.title} n`.toLowerCase()).toContain(word);
        expect(found.length).toBeLessThanOrEqual(32);
      }),
    );
  });

  it("the server is asked of whole names of what objects have made, and of nothing that the page knows", () => {
    expect([questionOf("web-7f44-m0c"), questionOf("job migrate-1"), questionOf("web"), questionOf("sync web-a"), questionOf("a b c-d")]).toEqual([{ q: "web-7f44-m0c", kind: "Pod" }, { q: "migrate-1", group: "batch", kind: "Job" }, undefined, undefined, undefined]);
  });

  it("it is asked where something is that may have made it", () => {
    expect([placesOf("api-7f44-m0c", rows), placesOf("mail-1", rows)]).toEqual([["web"], []]);
  });

  it("what the server has found is text, and leads to its object", () => {
    const [hit] = foundHits([{ application: "web", appNamespace: "argocd", kind: "Pod", namespace: "web", name: "web-7f\u202e", via: "ReplicaSet web-7f" }, { kind: "Pod" }]);
    expect([hit?.title, hit?.look, hit?.detail]).toEqual(["Pod web-7f‹U+202E›", "none", "namespace web · of web · made by ReplicaSet web-7f"]);
    expect(foundHits([{ kind: "Pod", name: "of nobody" }])).toEqual([]);
    const pod = { application: "web", appNamespace: "argocd", kind: "Pod", namespace: "web", name: "web-1" };
    expect(foundHits([pod, pod])).toHaveLength(1);
  });
});
