import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Application, ResourceStatus } from "../model/application";
import { readRef, refOf, type TreeNode } from "../model/tree";
import { lookOfObject } from "../words/state";
import { picture } from "./layout";

const HEALTH = ["Healthy", "Degraded", "Missing", "Progressing", "Suspended"];
const resource: fc.Arbitrary<ResourceStatus> = fc.record({
  group: fc.constantFrom("", "apps"),
  kind: fc.constantFrom("ConfigMap", "Deployment", "Job"),
  namespace: fc.constant("web"),
  name: fc.string({ unit: "grapheme", minLength: 1, maxLength: 6 }),
  status: fc.constantFrom("Synced", "OutOfSync"),
  health: fc.record({ status: fc.constantFrom(...HEALTH), message: fc.constantFrom("", "why") }),
  syncWave: fc.integer({ min: -2, max: 3 }),
});
const resources = fc.uniqueArray(resource, { selector: refOf, maxLength: 30 });

/** Pods and what is between, below any of the objects; some of nobody, some in a circle. */
const nodesOf = (declared: ResourceStatus[]): fc.Arbitrary<TreeNode[]> =>
  fc
    .array(fc.record({ kind: fc.constantFrom("Pod", "ReplicaSet", "EndpointSlice", "Certificate"), parent: fc.nat(40), health: fc.record({ status: fc.constantFrom(...HEALTH) }) }), { maxLength: 20 })
    .map((made) => {
      const nodes: TreeNode[] = made.map(({ kind, health }, at) => ({ kind, health, namespace: "web", name: `made-${at}`, uid: `uid-${at}` }));
      const all = [...declared, ...nodes];
      made.forEach(({ parent }, at) => {
        const above = all[parent % (all.length + 1)];
        (nodes[at] as TreeNode).parentRefs = above ? [above] : [];
      });
      return nodes;
    });

const scene = resources.chain((declared) => nodesOf(declared).map((nodes) => ({ app: { metadata: { name: "web" }, spec: { source: { path: "web" } }, status: { resources: declared } } as Application, nodes })));

describe("the picture of an application", () => {
  it("no box lies over another, all lie within it, and every line joins two of them from left to right", () => {
    fc.assert(
      fc.property(scene, ({ app, nodes }) => {
        const { boxes, lines, width, height } = picture(app, { nodes }, new Set());
        const byId = new Map(boxes.map((box) => [box.id, box]));
        expect(byId.size).toBe(boxes.length);
        boxes.forEach((a, at) => {
          expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= width && a.y + a.height <= height).toBe(true);
          for (const b of boxes.slice(at + 1)) expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
        });
        for (const line of lines) expect((byId.get(line.from)?.column ?? 99) < (byId.get(line.to)?.column ?? -1)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("what is wrong is never folded away", () => {
    fc.assert(
      fc.property(scene, ({ app, nodes }) => {
        const shown = new Set(picture(app, { nodes }, new Set()).boxes.map((box) => box.object));
        for (const one of app.status?.resources ?? []) if (!["ok", "none"].includes(lookOfObject(one.health?.status, one.status))) expect(shown).toContain(refOf(one));
      }),
      { numRuns: 60 },
    );
  });

  it("each object is shown or counted in a folded group", () => {
    fc.assert(
      fc.property(resources, (declared) => {
        const { boxes } = picture({ metadata: { name: "web" }, status: { resources: declared } }, undefined, new Set());
        const folded = boxes.filter((box) => box.folded).reduce((sum, box) => sum + Number.parseInt(box.title, 10), 0);
        expect(boxes.filter((box) => box.object).length + folded).toBe(declared.length);
      }),
      { numRuns: 60 },
    );
  });

  it("a Pod hangs at what Git declares, whatever is between", () => {
    const deployment = { group: "apps", kind: "Deployment", namespace: "web", name: "web", status: "Synced", health: { status: "Healthy" } };
    const replicas: TreeNode = { group: "apps", kind: "ReplicaSet", namespace: "web", name: "web-1", uid: "rs", parentRefs: [deployment], health: { status: "Healthy" } };
    const pod: TreeNode = { kind: "Pod", namespace: "web", name: "web-1-a", uid: "pod", parentRefs: [{ ...replicas, uid: "rs" }], health: { status: "Healthy" } };
    const { lines, columns } = picture({ metadata: { name: "web" }, status: { resources: [deployment] } }, { nodes: [replicas, pod] }, new Set());
    expect(lines).toContainEqual({ from: refOf(deployment), to: refOf(pod), look: "ok" });
    expect(columns.map((column) => column.title)).toEqual(["Git", "Render", "Objects", "Pods"]);
  });

  it("five thousand objects are a picture of a few boxes", () => {
    const declared = Array.from({ length: 5_000 }, (_, at) => ({ kind: "ConfigMap", name: `config-${at}`, namespace: "web", status: "Synced" }));
    expect(picture({ metadata: { name: "web" }, status: { resources: declared } }, undefined, new Set()).boxes.length).toBeLessThan(10);
  });

  it("an object's address reads as it was written, whatever its name", () => {
    fc.assert(fc.property(fc.tuple(fc.string(), fc.string(), fc.string(), fc.string()), ([group, kind, namespace, name]) => void expect(readRef(refOf({ group, kind, namespace, name }))).toEqual({ group, kind, namespace, name })));
    expect(readRef("%E0%A4%A")).toMatchObject({ group: "%E0%A4%A" });
  });
});
