import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Application, Source } from "../model/application";
import { rowOf } from "../replica/replica";
import { whatGoes } from "./EndDialogs";
import { changed, draftOf, FIRST } from "./draft";
import { detailsInWords } from "./Outlook";
import { helmLines, kustomizeLines, Unreadable, withHelm, withKustomize, withLine } from "./parameters";
import { forbidden, outlook, permits, problemsOf } from "./permits";

const GOOD = `# kept
metadata: {name: web}
spec:
  project: shop # also
  source: {repoURL: https://git.example.com/shop/deploy.git, path: apps/web}
  destination: {name: eu-west, namespace: web}
`;
const app = draftOf(GOOD).app as Application;

describe("a draft", () => {
  it("whatever is written, it is read or has a problem in words; nothing breaks the page", () => {
    const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.array(fc.string()), fc.dictionary(fc.string(), fc.string()));
    const spec = fc.record({ project: value, source: value, sources: value, destination: value, syncPolicy: value }, { requiredKeys: [] });
    const text = fc.oneof(
      fc.string(),
      fc.record({ metadata: fc.oneof(value, fc.record({ name: value })), spec: fc.oneof(value, spec) }).map((one) => JSON.stringify(one)),
    );
    fc.assert(
      fc.property(text, (written) => {
        const { app: read, problems } = draftOf(written);
        if (!read) expect(problems[0]?.words).toBeTruthy();
        else for (const one of problemsOf(read)) expect(one.words).toMatch(/\.$/m);
        if (read) outlook(read);
      }),
    );
  });

  it("a bomb of aliases, an endless text and a key that comes twice are problems", () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghi".split("").map((key, at) => `${key}: &${key} [${`*${"abcdefgh"[at]},`.repeat(9)}]`).join("\n")}`;
    for (const text of [bomb, "a".repeat(600_000), "metadata: {}\nmetadata: {}", "", "- a", "metadata: {name: web}"]) expect(draftOf(text).problems).toHaveLength(1);
  });

  it("a field that is written keeps the comments, and one that is emptied goes with what it leaves empty", () => {
    const text = changed(GOOD, ["spec", "source", "targetRevision"], "v1");
    expect(text).toContain("# kept");
    expect(text).toContain("# also");
    expect(parse(text).spec.source.targetRevision).toBe("v1");
    const automated = changed(text, ["spec", "syncPolicy", "automated"], { prune: true });
    expect(parse(automated).spec.syncPolicy).toEqual({ automated: { prune: true } });
    expect(parse(changed(automated, ["spec", "syncPolicy", "automated"], undefined)).spec.syncPolicy).toBeUndefined();
    expect(parse(changed("metadata: {name: a}\nspec: {syncPolicy: null}", ["spec", "syncPolicy", "automated"], { prune: true })).spec.syncPolicy).toEqual({ automated: { prune: true } });
    expect(changed("a: [", ["spec"], 1)).toBe("a: [");
  });

  it("what a form writes is what the text then says", () => {
    const field = fc.constantFrom(["metadata", "name"], ["spec", "project"], ["spec", "source", "path"], ["spec", "destination", "namespace"]);
    fc.assert(
      fc.property(field, fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }), (path, value) => {
        const read = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], parse(changed(FIRST, path, value)));
        expect(read).toBe(value);
      }),
    );
  });

  it("the first draft says what it needs", () => {
    expect(problemsOf(draftOf(FIRST).app as Application).map((one) => one.field)).toEqual(["metadata.name", "spec.source.repoURL"]);
    expect(problemsOf(app)).toEqual([]);
  });

  it.each([
    ["spec: {destination: {name: a, server: b}}", "spec.destination"],
    ["spec: {source: {repoURL: a}, sources: [{repoURL: a, path: b}]}", "spec.sources"],
    ["spec: {source: {repoURL: a, chart: b}}", "spec.source.targetRevision"],
    ["spec: {source: {repoURL: a, chart: b, path: c, targetRevision: '1'}}", "spec.source.path"],
    ["spec: {sources: [{repoURL: a, ref: values}, {repoURL: ''}]}", "spec.sources[1].repoURL"],
    ["spec: {destination: {name: a, namespace: No_Good}}", "spec.destination.namespace"],
  ])("%s is told at %s", (spec, field) => {
    expect(problemsOf(draftOf(`metadata: {name: web}\n${spec}`).app as Application).map((one) => one.field)).toContain(field);
  });

  it("what its project does not permit is told before the server is asked", () => {
    const project = { metadata: { name: "shop" }, spec: { sourceRepos: ["https://git.example.com/shop/*"], destinations: [{ name: "eu-*", namespace: "web" }] } };
    expect(forbidden(app, project)).toEqual([]);
    expect(forbidden({ ...app, spec: { ...app.spec, destination: { name: "eu-west", namespace: "bank" }, source: { repoURL: "https://elsewhere" } } }, project).map((one) => one.field)).toEqual(["spec.source.repoURL", "spec.destination"]);
    expect(permits(["*", "!https://evil/*"], "https://evil/a")).toBe(false);
  });

  it("says what will happen as sentences", () => {
    expect(outlook({ ...app, spec: { ...app.spec, syncPolicy: { automated: { prune: true } } } })).toEqual([
      "Reads apps/web of https://git.example.com/shop/deploy.git at HEAD.",
      "Deploys into namespace web of eu-west.",
      "It is synced by itself as soon as it is there, what leaves Git is deleted.",
    ]);
    expect(detailsInWords({ type: "Helm", helm: { parameters: [{ name: "a" }], valueFiles: ["a", "b"] } })).toBe("a Helm chart with 1 parameter and 2 files of values");
  });
});

describe("parameters", () => {
  it("as lines and back they are the same, and what the lines do not have stays", () => {
    const name = fc.stringMatching(/^[a-z][a-z.[\]0-9]{0,8}$/);
    const value = fc.stringMatching(/^[a-z0-9=:, ]{0,10}$/).map((text) => text.trim());
    const source = fc.record({
      helm: fc.record({ parameters: fc.uniqueArray(fc.record({ name, value }), { selector: (one) => one.name, minLength: 1 }), valuesObject: fc.dictionary(name, fc.integer(), { minKeys: 1 }), valueFiles: fc.constant<string[]>(["a.yaml"]) }),
    });
    fc.assert(fc.property(source, (one) => void expect(withHelm(one satisfies Source, helmLines(one))).toEqual(one)));
    const kustomize: Source = { path: "a", kustomize: { images: ["web=web:2"], replicas: [{ name: "web", count: 3 }], namePrefix: "eu-" } };
    expect(withKustomize(kustomize, kustomizeLines(kustomize))).toEqual(kustomize);
  });

  it("an emptied override leaves nothing; a forced string stays one", () => {
    expect(withHelm({ repoURL: "a", helm: { parameters: [{ name: "a", value: "1" }] } }, { parameters: "", values: "" })).toEqual({ repoURL: "a" });
    expect(withHelm({ helm: { parameters: [{ name: "a", value: "1", forceString: true }] } }, { parameters: "a=2\nb=3", values: "" }).helm?.parameters).toEqual([{ name: "a", value: "2", forceString: true }, { name: "b", value: "3" }]);
  });

  it.each([["=1"], ["a"], ["a=1\na=2"]])("%j is no list of parameters, and that is said", (parameters) => {
    expect(() => withHelm({}, { parameters, values: "" })).toThrow(Unreadable);
  });

  it.each([["- a"], ["a: ["], ["a: *b"]])("%j are no values", (values) => {
    expect(() => withHelm({}, { parameters: "", values })).toThrow(Unreadable);
  });

  it("a line is added once", () => {
    expect([withLine("", "a=1"), withLine("a=2\n", "b=1"), withLine("a=2", "a=1")]).toEqual(["a=1", "a=2\nb=1", "a=2"]);
  });

  it("replicas are numbers", () => {
    expect(() => withKustomize({}, { images: "", replicas: "web=many", namePrefix: "", nameSuffix: "" })).toThrow("needs a number");
  });
});

it("deleting says what goes and what stays", () => {
  const row = rowOf({ ...app, metadata: { name: "web", namespace: "argocd" }, status: { resources: [{ kind: "Service", name: "a" }, { kind: "Service", name: "b" }, { kind: "Deployment", name: "c" }] } });
  expect(whatGoes(row, "foreground")).toBe("3 objects are deleted from eu-west, with all that they have made: Service (2), Deployment.");
  expect(whatGoes(row, "orphan")).toContain("3 objects stay in the cluster");
});
