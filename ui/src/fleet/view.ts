/** What the fleet's list shows, from the rows and the address. Pure. */

import { matches, parse } from "../filter/grammar";
import type { Row } from "../replica/replica";
import { byUrgency, compare } from "../words/state";

export const GROUPS = ["project", "cluster", "ns", "repo", "state"] as const;

export function chosen(rows: Iterable<Row>, line: string): Row[] {
  const terms = parse(line);
  const found: Row[] = [];
  for (const row of rows) if (matches(row.facts, terms)) found.push(row);
  return found.sort(byUrgency);
}

export interface Group {
  group: string;
  rows: Row[];
}

export type Item = { group: string; size: number; ill: number } | { row: Row };

/** In which group a row is: one of `GROUPS`, or `label:NAME`. */
export function groupOf(row: Row, by: string): string {
  if (by.startsWith("label:")) return row.facts.labels[by.slice(6)] ?? "";
  return (GROUPS as readonly string[]).includes(by) ? row.facts[by as (typeof GROUPS)[number]] : "";
}

/** Rows with a heading before each group; a group is as urgent as its first row, and one without a name comes last. */
export function grouped(rows: Row[], by: string): Item[] {
  if (!by) return rows.map((row) => ({ row }));
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const name = groupOf(row, by);
    const known = groups.get(name);
    if (known) known.push(row);
    else groups.set(name, [row]);
  }
  const ordered = [...groups].sort(
    ([a, first], [b, second]) =>
      Number(!a) - Number(!b) || (first[0] as Row).state.urgency - (second[0] as Row).state.urgency || compare(a, b),
  );
  return ordered.flatMap(([name, members]): Item[] => [
    { group: name, size: members.length, ill: members.filter((row) => row.state.look === "bad" || row.state.look === "warn").length },
    ...members.map((row) => ({ row })),
  ]);
}
