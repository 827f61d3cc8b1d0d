/** What the fleet's list shows, from the rows and the address. Pure. */

import { matches, parse } from "../filter/grammar";
import type { Row } from "../replica/replica";
import { lineage } from "../model/parents";
import { byUrgency, compare } from "../words/state";

export const GROUPS = ["project", "cluster", "ns", "repo", "state", "parent"] as const;

export const NO_PARENTS: ReadonlyMap<string, string> = new Map();
const NOBODY: ReadonlySet<string> = new Set();

export function chosen(rows: Iterable<Row>, line: string, favourites: ReadonlySet<string> = NOBODY): Row[] {
  const terms = parse(line);
  const asks = terms.some((term) => term.key === "fav");
  const found: Row[] = [];
  for (const row of rows) {
    const facts = asks && favourites.has(row.key) ? { ...row.facts, fav: "yes" } : row.facts;
    if (matches(facts, terms)) found.push(row);
  }
  return found.sort(byUrgency);
}

export interface Group {
  group: string;
  rows: Row[];
}

export type Item = { group: string; size: number; ill: number } | { row: Row };

/** In which group a row is: one of `GROUPS`, or `label:NAME`. Of parents the whole line of them; one that is a parent heads its own group. */
export function groupOf(row: Row, by: string, parents: ReadonlyMap<string, string> = NO_PARENTS, heads: ReadonlySet<string> = NOBODY): string {
  if (by === "parent") return [...lineage(row.key, parents), ...(heads.has(row.key) ? [row.key] : [])].map((key) => key.slice(key.indexOf("/") + 1)).join(" › ");
  if (by.startsWith("label:")) return row.facts.labels[by.slice(6)] ?? "";
  return (GROUPS as readonly string[]).includes(by) ? row.facts[by as Exclude<(typeof GROUPS)[number], "parent">] : "";
}

/** Rows with a heading before each group; a group is as urgent as its first row, and one without a name comes last. */
export function grouped(rows: Row[], by: string, parents: ReadonlyMap<string, string> = NO_PARENTS): Item[] {
  if (!by) return rows.map((row) => ({ row }));
  const heads = new Set(parents.values());
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const name = groupOf(row, by, parents, heads);
    const known = groups.get(name);
    if (known) known.push(row);
    else groups.set(name, [row]);
  }
  const ordered = [...groups].sort(
    ([a, first], [b, second]) =>
      Number(!a) - Number(!b) ||
      // A tree is read from its root: its branches keep together, whatever state they are in.
      (by === "parent" ? compare(a, b) : 0) || (first[0] as Row).state.urgency - (second[0] as Row).state.urgency || compare(a, b),
  );
  return ordered.flatMap(([name, members]): Item[] => [
    { group: name, size: members.length, ill: members.filter((row) => row.state.look === "bad" || row.state.look === "warn").length },
    ...members.map((row) => ({ row })),
  ]);
}
