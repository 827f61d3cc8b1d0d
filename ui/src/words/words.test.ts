import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Application, ResourceStatus } from "../model/application";
import { ago, span } from "./age";
import { causesOf } from "./cause";
import { reasonOf, words } from "./reason";
import { byUrgency, stateOf, WORDS } from "./state";
import { brief, oneLine, plain, some } from "./text";
import { rowOf } from "../replica/replica";

const text = fc.oneof(fc.string({ unit: "binary", maxLength: 30 }), fc.constantFrom("", "web", "‮gnp.exe", "\u001b[31mred"));
const some_ = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const resource: fc.Arbitrary<ResourceStatus> = fc.record({
  kind: text,
  namespace: text,
  name: text,
  status: fc.constantFrom("Synced", "OutOfSync", "Unknown"),
  health: fc.record({ status: fc.constantFrom("Healthy", "Degraded", "Missing", "Progressing", "Suspended"), message: text }),
  requiresPruning: fc.boolean(),
});

export const application: fc.Arbitrary<Application> = fc.record({
  metadata: fc.record({
    name: text,
    namespace: text,
    deletionTimestamp: some_(fc.constant("2026-11-28T09:00:00Z")),
    finalizers: fc.array(text, { maxLength: 2 }),
  }),
  status: fc.record({
    sync: fc.record({ status: fc.constantFrom("Synced", "OutOfSync", "Unknown", ""), revision: text }),
    health: fc.record({ status: fc.constantFrom("Healthy", "Degraded", "Missing", "Progressing", "Suspended", "Unknown", ""), message: text }),
    conditions: fc.array(fc.record({ type: fc.constantFrom("ComparisonError", "SyncError", "SharedResourceWarning"), message: text }), { maxLength: 2 }),
    operationState: fc.record({ phase: fc.constantFrom("Running", "Failed", "Error", "Succeeded", "Terminating", ""), message: text }),
    resources: fc.array(resource, { maxLength: 4 }),
  }),
}) as fc.Arbitrary<Application>;

describe("urgency", () => {
  it("is a total order: of two applications with other names one comes first, whichever is asked", () => {
    fc.assert(
      fc.property(application, application, application, (one, two, three) => {
        const [a, b, c] = [rowOf(one), rowOf(two), rowOf(three)];
        expect(Math.sign(byUrgency(a, b))).toBe(-Math.sign(byUrgency(b, a)) || 0);
        if (a.key !== b.key) expect(byUrgency(a, b)).not.toBe(0);
        if (byUrgency(a, b) <= 0 && byUrgency(b, c) <= 0) expect(byUrgency(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it.each([
    ["an application that is deleted is Terminating, whatever else it is", { metadata: { name: "a", deletionTimestamp: "x" }, status: { health: { status: "Degraded" } } }, "Terminating"],
    ["a failed sync of what is still wanted", { metadata: { name: "a" }, status: { sync: { status: "OutOfSync" }, operationState: { phase: "Failed" } } }, "Failed"],
    ["a failed sync that a later commit has made up for is over", { metadata: { name: "a" }, status: { sync: { status: "Synced", revision: "b" }, health: { status: "Healthy" }, operationState: { phase: "Failed", syncResult: { revision: "a" } } } }, "Healthy"],
    ["a sync under way is Progressing, not OutOfSync", { metadata: { name: "a" }, status: { sync: { status: "OutOfSync" }, operationState: { phase: "Running" } } }, "Progressing"],
    ["an error of the comparison is Unknown", { metadata: { name: "a" }, status: { sync: { status: "Unknown" }, health: { status: "Healthy" }, conditions: [{ type: "ComparisonError" }] } }, "Unknown"],
    ["one that was never looked at is on its way", { metadata: { name: "a" } }, "Progressing"],
  ] as [string, Application, string][])("%s", (_, app, word) => {
    expect(stateOf(app).word).toBe(word);
  });
});

describe("sentences", () => {
  it("are there for every application, on one line, and show nothing that hides", () => {
    fc.assert(
      fc.property(application, (app) => {
        const { sentence, detail } = reasonOf(app);
        expect(WORDS).toContain(stateOf(app).word);
        expect(sentence + detail).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        expect(sentence.length).toBeLessThanOrEqual(300);
      }),
    );
  });

  it("say which image cannot be pulled, by its last name", () => {
    expect(words('Back-off pulling image "registry.example.com/web:1.9"')).toBe("Image cannot be pulled: web:1.9");
  });

  it("take a message of ten megabytes without reading it all", () => {
    const app: Application = { metadata: { name: "a" }, status: { health: { status: "Degraded" }, resources: [{ health: { status: "Degraded", message: "pulling image ".repeat(700_000) } }] } };
    expect(rowOf(app).reason.sentence.length).toBeLessThanOrEqual(300);
  });
});

describe("causes", () => {
  const ill = (name: string, image: string): Application => ({
    metadata: { name, namespace: "argocd" },
    status: { sync: { status: "Synced" }, health: { status: "Degraded" }, resources: [{ kind: "Deployment", name, health: { status: "Degraded", message: `Back-off pulling image "${image}"` } }] },
  });

  it("what several suffer from is one line, the most common first", () => {
    const causes = causesOf([ill("a", "web:1"), ill("b", "api:2"), ill("c", "web:1")].map(rowOf));
    expect(causes.map((cause) => [cause.title, cause.what, cause.apps])).toEqual([
      ["Image cannot be pulled", "web:1", ["argocd/a", "argocd/c"]],
      ["Image cannot be pulled", "api:2", ["argocd/b"]],
    ]);
  });

  it("each application that is bad is in one cause, and no other one is", () => {
    fc.assert(
      fc.property(fc.uniqueArray(application, { selector: (app) => `${app.metadata.namespace}/${app.metadata.name}`, maxLength: 8 }), (apps) => {
        const rows = apps.map(rowOf);
        const told = causesOf(rows).flatMap((cause) => cause.apps);
        expect(told.sort()).toEqual(rows.filter((row) => row.state.look === "bad").map((row) => row.key).sort());
      }),
    );
  });
});

describe("strangers' text", () => {
  it.each([
    ["an override of direction is named", "a\u202egnp.exe", "a‹U+202E›gnp.exe"],
    ["colours of a terminal are left out", "\u001b[1;31mred\u001b[0m", "red"],
    ["a title of a terminal is left out, with its end or without", "\u001b]0;owned\u0007x", "x"],
    ["a bell is named", "a\u0007", "a‹U+0007›"],
    ["markup is text", "<b>bold</b>", "<b>bold</b>"],
  ])("%s", (_, given, shown) => {
    expect(plain(given)).toBe(shown);
  });

  it("is cut to what is asked for, whatever its length", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 50 }), (given, length) => void expect(brief(given.repeat(5), length).length).toBeLessThanOrEqual(length)));
    expect(oneLine("a\n  b\tc")).toBe("a b c");
    expect(some(["a", "b", "c"])).toBe("a, b and 1 more");
  });
});

describe("ages", () => {
  it.each([
    [0, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3_599_999, "59 min"],
    [86_400_000 * 3, "3 d"],
    [-5_000, "0 s"],
  ])("%i milliseconds are %s", (milliseconds, said) => {
    expect(span(milliseconds)).toBe(said);
  });
  it("without an instant, or with what is none, say nothing", () => {
    expect([ago(undefined, 0), ago("yesterday", 0)]).toEqual(["", ""]);
  });
});
