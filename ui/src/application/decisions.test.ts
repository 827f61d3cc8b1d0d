import { describe, expect, it } from "vitest";
import type { Application } from "../model/application";
import { stateOf } from "../words/state";
import { adviceOf } from "./advice";
import { entriesOf, manifestsAsText } from "./Activity";
import { levelOf, lineOf, passes } from "./logline";
import { spans } from "./ansi";
import { planOf } from "./plan";
import { planInWords } from "./SyncDialog";

const state = (name: string, annotations: Record<string, string> = {}, kind = "ConfigMap") => JSON.stringify({ kind, metadata: { name, annotations } });
const WAVE = "argocd.argoproj.io/sync-wave";
const HOOK = "argocd.argoproj.io/hook";

describe("the plan of a sync", () => {
  const items = [
    { kind: "Deployment", name: "late", targetState: state("late", { [WAVE]: "2" }), liveState: "null" },
    { kind: "ConfigMap", name: "changed", targetState: state("changed"), liveState: state("changed"), modified: true },
    { kind: "ConfigMap", name: "same", targetState: state("same"), liveState: state("same") },
    { kind: "Namespace", name: "web", targetState: state("web"), liveState: "null" },
    { kind: "Service", name: "gone", targetState: "null", liveState: state("gone") },
    { kind: "Job", name: "migrate", targetState: state("migrate", { [HOOK]: "PreSync" }), liveState: "null" },
  ];
  const told = (prune: boolean, selected?: Set<string>) => planOf(items, prune, selected).map(({ title, steps }) => [title, ...steps.map((step) => `${step.verb} ${step.object.name}`)]);

  it("is in the order in which it is done: hooks before, waves, what goes, and in a wave what others stand in first", () => {
    expect(told(true)).toEqual([["PreSync, wave 0", "run migrate"], ["wave 0", "create web", "change changed", "apply same"], ["wave 2", "create late"], ["Then delete what left Git", "delete gone"]]);
    expect(planInWords(planOf(items, true))).toBe("It will create 2 objects, change 1 object, delete 1 object and run 1 hook.");
  });
  it("says what stays where pruning is off", () => {
    expect(told(false).at(-1)).toEqual(["Left alone: no longer in Git, and pruning is off", "keep gone"]);
  });
  it("is of the selected objects alone where some are selected", () => {
    expect(told(false, new Set(["/ConfigMap//changed"]))).toEqual([["wave 0", "change changed"]]);
  });
  it("reads what is no JSON as an object without annotations", () => {
    expect(planOf([{ kind: "X", name: "x", targetState: "{", liveState: "{" }], false)[0]?.steps).toHaveLength(1);
  });
});

describe("what to do", () => {
  const app = (more: Partial<NonNullable<Application["status"]>>, automated: boolean): Application => ({
    metadata: { name: "web" },
    spec: automated ? { syncPolicy: { automated: {} } } : {},
    status: { sync: { status: "Synced", revision: "b" }, health: { status: "Healthy" }, history: [{ id: 1, revision: "a" }, { id: 2, revision: "b" }], ...more },
  });
  it.each([
    ["a commit that broke it is rolled back", app({ health: { status: "Degraded" } }, false), "rollback"],
    ["but not where automation would bring it back", app({ health: { status: "Degraded" } }, true), undefined],
    ["and not where there is nothing to go back to", app({ health: { status: "Degraded" }, history: [{ id: 2, revision: "b" }] }, false), undefined],
    ["what differs is synced", app({ sync: { status: "OutOfSync", revision: "b" } }, false), "sync"],
    ["a failed sync is tried again", app({ operationState: { phase: "Failed" } }, false), "sync"],
    ["a sync that runs can be stopped", app({ operationState: { phase: "Running" } }, false), "terminate"],
    ["nothing is wrong, nothing is to do", app({}, false), undefined],
  ])("%s", (_, given, action) => {
    const advice = adviceOf(given, stateOf(given));
    expect(advice.action).toBe(action);
    expect(advice.words).not.toBe("");
    if (action === "rollback") expect(advice.to?.revision).toBe("a");
  });
});

describe("activity", () => {
  it("is one list, the newest first", () => {
    const app: Application = { metadata: { name: "web" }, status: { history: [{ id: 1, revision: "a", deployedAt: "2026-01-01T00:00:00Z" }], operationState: { phase: "Failed", startedAt: "2026-01-03T00:00:00Z" } } };
    const events = [{ metadata: { uid: "e" }, type: "Warning", reason: "BackOff", lastTimestamp: "2026-01-02T00:00:00Z", count: 3 }];
    expect(entriesOf(app, events).map((entry) => [entry.title, entry.look])).toEqual([
      ["Last sync failed, asked for by somebody", "bad"],
      ["BackOff, 3 times", "warn"],
      ["Deployed a", "ok"],
    ]);
  });
  it("manifests are compared in one order, whatever order they come in", () => {
    const [a, b] = [state("a"), state("b")];
    expect(manifestsAsText({ manifests: [b, a] })).toBe(manifestsAsText({ manifests: [a, b] }));
    expect(manifestsAsText({ manifests: null })).toBe("");
  });
});

describe("a line of a log", () => {
  it.each([
    ["ERROR cannot reach payments", "error"],
    ["2026-01-01 WARN slow", "warn"],
    ["level=info msg=ok", "info"],
    ["[debug] x", "debug"],
    ["mirror of terror", ""],
    [`${"x ".repeat(200)}error`, ""],
  ])("%j is %j", (text, level) => {
    expect(levelOf(text)).toBe(level);
  });
  it("that is JSON is its message and its fields", () => {
    expect(lineOf({ content: '{"level":"warn","msg":"slow","ms":12,"time":"x"}' }, 1)).toMatchObject({ level: "warn", text: "slow", fields: "ms=12" });
    expect(lineOf({ content: '{"a":1' }, 1)).toMatchObject({ text: '{"a":1', fields: "" });
  });
  it("is searched by words, without those after `!`", () => {
    const line = lineOf({ content: "ERROR cannot reach payments", podName: "web-1" }, 1);
    expect(["reach", "!reach", "level:error", "!level:error", "pod:web-*", "reach !warn", "!"].map((search) => passes(line, search))).toEqual([true, false, true, false, true, true, false]);
  });
  it("of ten megabytes is cut", () => {
    expect(lineOf({ content: "x".repeat(10_000_000) }, 1).text.length).toBeLessThan(9_000);
  });
  it("has its colours as classes, and nothing else of a terminal", () => {
    expect(spans("\u001b[31mred\u001b[1m bold\u001b[0m plain\u001b[2J\u001b]0;t\u0007")).toEqual([
      { text: "red", look: "c1" },
      { text: " bold", look: "c1 bold" },
      { text: " plain", look: "" },
    ]);
    expect(spans("\u001b[38;5;31mx")).toEqual([{ text: "x", look: "" }]);
  });
});
