import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Application } from "../model/application";
import { stateOf } from "../words/state";
import { partialOf, rolledBackOf, previousOf } from "../model/deployed";
import { servingOf, stuckOf } from "../model/pods";
import type { Tree } from "../model/tree";
import { reasonOf } from "../words/reason";
import { ofState } from "../words/yaml";
import { adviceOf } from "./advice";
import { servedInWords } from "./Side";
import { declaredAlike, entriesOf, manifestsAsText, outcomeOf, rollbackBars } from "./Activity";
import { entriesOf as linesOf, levelOf, levelsOf, lineOf, nameOfLine, passes, sinceOf, textOf, toggledLevel } from "./logline";
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

describe("what was deployed", () => {
  const app = (deployed: string[], git: string, more: Partial<NonNullable<Application["status"]>> = {}): Application => ({
    metadata: { name: "web" },
    spec: {},
    status: {
      sync: { status: "OutOfSync", revision: git },
      health: { status: "Healthy" },
      history: deployed.map((revision, id) => ({ id, revision, initiatedBy: { username: "ada" }, deployedAt: "2026-01-01T00:00:00Z" })),
      operationState: { phase: "Succeeded", finishedAt: "2026-01-02T00:00:00Z", operation: { initiatedBy: { username: "ada" }, sync: { revision: deployed.at(-1) ?? "" } } },
      ...more,
    },
  });
  const degraded = { health: { status: "Degraded" }, sync: { status: "Synced", revision: "later" } };

  it.each([
    ["goes back to the entry before, though Git has moved on for others", ["a", "b"], "later", "a"],
    ["the same revision twice is one version", ["a", "b", "b"], "later", "a"],
    ["after a rollback it is what was before that version, not what was rolled back", ["z", "a", "b", "a"], "b", "z"],
    ["of one version there is none before", ["b", "b"], "later", undefined],
    ["nor of none", [], "later", undefined],
  ] as [string, string[], string, string | undefined][])("%s", (_, deployed, git, before) => {
    const given = app(deployed, git, { health: { status: "Degraded" }, sync: { status: "Synced", revision: git } });
    expect(previousOf(given)?.revision).toBe(before);
    expect(adviceOf(given, stateOf(given)).action).toBe(before ? "rollback" : undefined);
  });
  it("blames no commit that was not deployed, and of several none alone", () => {
    const given = app(["a", "b"], "later", degraded);
    const automated = { ...given, spec: { syncPolicy: { automated: {} } } };
    expect(adviceOf(automated, stateOf(automated)).words).toContain("git log a..b");
    const chart = { ...automated, spec: { ...automated.spec, source: { chart: "web" } } };
    expect(adviceOf(chart, stateOf(chart)).words).not.toContain("git ");
    for (const one of [given, automated, chart]) expect(adviceOf(one, stateOf(one)).words).not.toMatch(/later|git revert/);
  });
  it("that was rolled back says so, and by whom; a sync is not what is to be done", () => {
    const given = app(["a", "b", "a"], "b");
    expect(reasonOf(given).sentence).toBe("Rolled back to a by ada");
    expect(adviceOf(given, stateOf(given)).action).toBeUndefined();
    expect(servedInWords(given, undefined)).toEqual(["Rolled back by ada to a, Git is at b by now."]);
  });
  it.each([
    ["a new commit of Git", app(["a", "b"], "c")],
    ["one that was deployed twice", app(["a", "a"], "b")],
    ["what Git has again", app(["a", "b", "a"], "a")],
    ["what automation deploys", { ...app(["a", "b", "a"], "b"), spec: { syncPolicy: { automated: {} } } }],
    ["a sync that named no revision", app(["a", "b", "a"], "b", { operationState: { phase: "Succeeded", operation: { sync: {} } } })],
  ] as [string, Application][])("%s is no rollback", (_, given) => {
    expect(rolledBackOf(given)).toBeUndefined();
  });
  it("a dry run is no sync: it fails nothing, is not since when, and takes no rollback away", () => {
    const trial = { operationState: { phase: "Failed", finishedAt: "2026-01-03T00:00:00Z", operation: { sync: { dryRun: true } } } };
    expect(stateOf(app(["a", "b"], "c", trial))).toMatchObject({ word: "OutOfSync", since: "2026-01-01T00:00:00Z" });
    expect(rolledBackOf(app(["a", "b", "a"], "b", trial))?.to).toBe("a");
    expect(entriesOf({ ...app(["a"], "b", { ...trial, operationState: { ...trial.operationState, startedAt: "2026-01-03T00:00:00Z" } }) }, [])[0]?.title).toBe("Last dry run failed, asked for by somebody");
  });
  it("cannot be gone back to where that changes nothing, and says why", () => {
    expect([rollbackBars(true), rollbackBars(false)]).toEqual(["Automation is on", ""]);
    expect(declaredAlike({ source: { path: "a", repoURL: "r" } }, { source: { repoURL: "r", path: "a" } })).toBe(true);
    expect(declaredAlike({ source: { path: "a" } }, { source: { path: "b" } })).toBe(false);
  });
});

describe("what Pods say", () => {
  const pod = (name: string, health: string, containers: string, image: string, message = "") => ({ kind: "Pod", name, health: { status: health, message }, info: [{ name: "Containers", value: containers }], images: [image] });
  const tree: Tree = { nodes: [pod("old", "Healthy", "1/1", "r.example.com/web:1.8"), pod("done", "Healthy", "0/1", "migrate:1"), pod("new", "Degraded", "0/1", "web:1.9", 'Back-off pulling image "web:1.9"')] };
  const app: Application = { metadata: { name: "web" }, status: { sync: { status: "Synced", revision: "b" }, health: { status: "Progressing" }, history: [{ id: 1, revision: "b" }], summary: { images: ["web:1.9"] } } };

  it("serves is what the ready ones run, not what is declared", () => {
    expect(servingOf(tree)).toEqual({ pods: 3, ready: 1, images: ["r.example.com/web:1.8"] });
    expect(servedInWords(app, tree)).toEqual(["1 of 3 Pods ready: web:1.8.", "Deployed last: b, which is what Git has."]);
    expect(servedInWords(app, { nodes: tree.nodes?.slice(2) ?? [] })[0]).toBe("Its Pod is not ready.");
    expect(servedInWords(app, { nodes: null })).toHaveLength(1);
  });
  it("one that does not start is named where its owner still hopes", () => {
    expect(stuckOf(tree)?.name).toBe("new");
    expect(adviceOf(app, stateOf(app), tree).words).toContain("does not start");
    expect(adviceOf(app, stateOf(app), { nodes: [] }).words).toContain("Nothing has to be done yet");
  });
});

describe("activity", () => {
  it("of one second is in the order in which it happens, whatever precision its instants have", () => {
    const at = "2026-01-01T00:00:00Z";
    const app: Application = { metadata: { name: "web" }, status: { history: [{ id: 9, revision: "a", deployedAt: at }, { id: 10, revision: "b", deployedAt: at }], operationState: { phase: "Succeeded", startedAt: at, finishedAt: at } } };
    const event = (reason: string, resourceVersion: string, uid: string) => ({ metadata: { uid, resourceVersion }, reason, eventTime: "2026-01-01T00:00:00.900000Z" });
    expect(entriesOf(app, [event("Created", "99", "z"), event("Started", "100", "a")]).map((entry) => entry.title)).toEqual(["Last synced by somebody", "Deployed b", "Deployed a", "Started", "Created"]);
  });
  it("an object is as its status says, a hook as its phase", () => {
    expect([outcomeOf({ status: "Synced", hookPhase: "Running" }), outcomeOf({ status: "Pruned", hookPhase: "Succeeded" }), outcomeOf({ hookType: "PreSync", status: "Synced", hookPhase: "Failed" }), outcomeOf({})]).toEqual(["Synced", "Pruned", "Failed", ""]);
  });
  it("and changes compare objects by their keys' names, at any depth", () => {
    expect(ofState('{"b":[{"d":1,"c":2}],"a":{"f":1,"e":[2,1]}}')).toBe(ofState('{"a":{"e":[2,1],"f":1},"b":[{"c":2,"d":1}]}'));
    expect(manifestsAsText({ manifests: ['{"b":1,"a":2}'] })).toBe(manifestsAsText({ manifests: ['{"a":2,"b":1}'] }));
  });
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
  it("of a stack trace stand below the line that they belong to, whatever other Pods say between them", () => {
    const said: [string, string][] = [["a", "ERROR failed"], ["b", "INFO fine"], ["a", "java.lang.Error: x"], ["a", "\tat com.example.Main(Main.java:1)"], ["b", "INFO fine"], ["a", "Caused by: y"], ["a", "\t... 12 more"], ["a", "INFO on"], ["b", "  at first nothing"]];
    const all = said.map(([podName, content], id) => lineOf({ podName, content }, id));
    expect(linesOf(all).map(({ line, trace }) => [line.id, trace.map((one) => one.id)])).toEqual([[0, []], [1, []], [2, [3, 5, 6]], [4, [8]], [7, []]]);
    fc.assert(fc.property(fc.array(fc.record({ podName: fc.constantFrom("a", "b"), content: fc.constantFrom("x", "\tat y", "    z", "Caused by: w") })), (made) => {
      const lines = made.map(lineOf);
      expect(linesOf(lines).flatMap(({ line, trace }) => [line, ...trace]).map((one) => one.id).sort((a, b) => a - b)).toEqual(lines.map((one) => one.id));
    }));
  });

  it("have levels that are counted and chosen, and names that an address keeps", () => {
    const lines = ["ERROR a", "INFO b", "INFO c", "d"].map((content, id) => lineOf({ content, podName: "web", timeStampStr: "2026-01-01T00:01:00.5Z" }, id));
    expect(levelsOf(lines)).toEqual([["error", 1], ["info", 2]]);
    expect([toggledLevel("a level:info", "error"), toggledLevel("a level:error", "error")]).toEqual(["a level:error", "a"]);
    expect(nameOfLine(lines[0] as (typeof lines)[0])).toBe("web~2026-01-01T00:01:00.5Z");
    expect([sinceOf("web~2026-01-01T00:01:00.5Z"), sinceOf("web~never"), sinceOf("")]).toEqual(["2026-01-01T00:00:30.500Z", "", ""]);
  });

  it("that is JSON is its message and its fields", () => {
    expect(lineOf({ content: '{"level":"warn","msg":"slow","ms":12,"time":"x"}' }, 1)).toMatchObject({ level: "warn", text: "slow", fields: [{ name: "ms", value: "12" }] });
    expect(lineOf({ content: '{"a":1' }, 1)).toMatchObject({ text: '{"a":1', fields: [] });
  });
  it("is searched by words, without those after `!`", () => {
    const traced = lineOf({ content: '{"msg":"slow","ms":12}' }, 1);
    expect([textOf(traced), passes(traced, "ms=12"), passes(traced, "!ms=12")]).toEqual(["slow ms=12", true, false]);
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

it("a sync of some objects is told beside the last deployment of all, until the next one", () => {
  const app = (deployedAt: string, sync: object = { resources: [{ kind: "ConfigMap", name: "a" }] }, phase = "Succeeded"): Application => ({
    metadata: { name: "web" },
    status: { history: [{ id: 1, revision: "one", deployedAt }], operationState: { phase, finishedAt: "2026-01-02T00:00:00Z", operation: { sync }, syncResult: { revision: "two" } } },
  });
  expect(partialOf(app("2026-01-01T00:00:00Z"))).toEqual({ revision: "two", objects: 1 });
  expect(partialOf(app("2026-01-03T00:00:00Z"))).toBeUndefined();
  expect(partialOf(app("2026-01-01T00:00:00Z", {}))).toBeUndefined();
  expect(partialOf(app("2026-01-01T00:00:00Z", undefined, "Failed"))).toBeUndefined();
});
