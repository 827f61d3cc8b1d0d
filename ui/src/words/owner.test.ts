import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { driftedOf, valueInWords } from "./owner";

const live = {
  metadata: {
    name: "web",
    managedFields: [
      { manager: "trueup", operation: "Apply", time: "2026-01-01T00:00:00Z", fieldsV1: { "f:spec": { "f:replicas": {}, "f:template": { "f:spec": { "f:containers": { 'k:{"name":"web"}': { ".": {}, "f:name": {}, "f:image": {} } } } } } } },
      { manager: "kubectl-edit", operation: "Update", time: "2026-01-02T00:00:00Z", fieldsV1: { "f:spec": { "f:replicas": {} } } },
      { manager: "kubectl-set", operation: "Update", time: "2026-01-03T00:00:00Z", fieldsV1: { "f:spec": { "f:template": { "f:spec": { "f:containers": { 'k:{"name":"web"}': { "f:image": {} } } } } } } },
    ],
  },
  spec: { replicas: 7, template: { spec: { containers: [{ name: "web", image: "web:2" }, { name: "side", image: "side:1" }] } } },
};
const wanted = { metadata: { name: "web" }, spec: { replicas: 3, template: { spec: { containers: [{ name: "side", image: "side:1" }, { name: "web", image: "web:1" }] } }, paused: true } };

describe("what differs, and by whom", () => {
  it("each field has who wrote it last, items of lists by their names, whatever their order", () => {
    expect(driftedOf(JSON.stringify(live), JSON.stringify(wanted))).toEqual([
      { field: "spec.replicas", live: 7, wanted: 3, manager: "kubectl-edit", time: "2026-01-02T00:00:00Z" },
      { field: "spec.template.spec.containers[web].image", live: "web:2", wanted: "web:1", manager: "kubectl-set", time: "2026-01-03T00:00:00Z" },
      { field: "spec.paused", live: undefined, wanted: true, manager: "", time: "" },
    ]);
  });

  it("nothing differs from itself, and whatever a cluster says is no error", () => {
    const json = fc.jsonValue({ maxDepth: 4 });
    fc.assert(fc.property(json, json, json, (one, other, fields) => {
      const [a, b] = [JSON.stringify({ data: one, metadata: { managedFields: fields } }), JSON.stringify({ data: other, metadata: {} })];
      expect(driftedOf(a, JSON.stringify({ data: one, metadata: {} }))).toEqual([]);
      for (const drifted of driftedOf(a, b)) expect(drifted.field).toContain("data");
    }));
    expect(driftedOf("{", "{")).toEqual([]);
    expect(driftedOf("null", '{"a":1}')).toEqual([]);
  });

  it("values are words", () => {
    expect([valueInWords(undefined), valueInWords(3), valueInWords(""), valueInWords({ a: 1 })]).toEqual(["nothing", "3", '""', '{"a":1}']);
  });
});
