import fc from "fast-check";
import { expect, it } from "vitest";
import type { Application } from "../model/application";
import { lineage, parentsOf } from "../model/parents";
import { rowOf } from "../replica/replica";
import { automationForecast } from "./Bulk";
import { chosen, grouped } from "./view";

const app = (name: string, children: string[] = [], automated = false): Application => ({
  metadata: { name, namespace: "argocd" },
  spec: { syncPolicy: automated ? { automated: {} } : {} },
  status: { sync: { status: "Synced" }, health: { status: "Healthy" }, resources: children.map((child) => ({ group: "argoproj.io", kind: "Application", namespace: "argocd", name: child, status: "Synced" })) },
});
const rows = [app("root", ["shop"]), app("shop", ["web", "mail"]), app("web"), app("mail"), app("alone")].map(rowOf);

it("an application of applications is a tree: each group is headed by its parent, and knows where it stands", () => {
  const items = grouped(chosen(rows, ""), "parent", parentsOf(rows));
  expect(items.map((item) => ("row" in item ? item.row.name : `[${item.group}]`))).toEqual(["[root]", "root", "[root › shop]", "mail", "shop", "web", "[]", "alone"]);
});

it("whoever declares whom, a lineage ends, has nobody twice, and not itself", () => {
  const name = fc.constantFrom("a", "b", "c", "d");
  fc.assert(
    fc.property(fc.dictionary(name, fc.uniqueArray(name)), (tree) => {
      const made = Object.entries(tree).map(([parent, children]) => rowOf(app(parent, children)));
      const parents = parentsOf(made);
      for (const row of made) {
        const found = lineage(row.key, parents);
        expect(new Set(found).size).toBe(found.length);
        expect(found).not.toContain(row.key);
      }
      expect(grouped(chosen(made, ""), "parent", parents).filter((item) => "row" in item)).toHaveLength(made.length);
    }),
  );
});

it("favourites are found by fav:", () => {
  const starred = new Set(["argocd/web"]);
  expect(chosen(rows, "fav:yes", starred).map((row) => row.name)).toEqual(["web"]);
  expect(chosen(rows, "!fav:yes", starred)).toHaveLength(4);
});

it("pausing many says what stops, and of whom it is so already", () => {
  expect(automationForecast([rowOf(app("a", [], true)), rowOf(app("b"))], false)).toEqual([
    "Nothing is applied to 1 application by itself any more, and what is changed by hand stays. They are still compared, and can be synced by hand.",
    "1 is paused already.",
  ]);
  expect(automationForecast([rowOf(app("b"))], false)).toEqual(["None of them is synced by itself: nothing changes."]);
});
