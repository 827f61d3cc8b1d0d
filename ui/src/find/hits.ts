/** What a line of the finder means, from the replica alone: applications, objects that they declare, pages, commands. Pure. */

import type { ResourceStatus } from "../model/application";
import { refOf } from "../model/tree";
import type { Row } from "../replica/replica";
import { pathOf } from "../shell/address";
import { lookOfObject, type Look } from "../words/state";
import { brief } from "../words/text";

export interface Hit {
  /** Its own among the hits of a line. */
  id: string;
  group: "Commands" | "Applications" | "Objects" | "Pages";
  look: Look;
  title: string;
  detail: string;
  /** Where choosing it goes to. */
  href: string;
}

/** What can be done with an application, by the word that a person types. Each opens what it is about; none acts unseen. */
const VERBS: [verb: string, what: string, tab: string, query: string][] = [
  ["sync", "see the plan, then sync", "", "do=sync"],
  ["logs", "read its log", "logs", ""],
  ["diff", "see what differs from Git", "changes", ""],
  ["history", "see what happened", "activity", ""],
  ["edit", "edit what it declares", "", "do=edit"],
  ["parameters", "override parameters", "", "do=parameters"],
  ["pause", "turn automation off", "", "do=pause"],
  ["resume", "turn automation on", "", "do=resume"],
  ["delete", "delete it", "", "do=delete"],
];

export const PLACES: [title: string, href: string][] = [
  ["Fleet", "/applications"],
  ["New application", "/new"],
  ["Images", "/images"],
  ["Audit trail", "/audit"],
  ["Projects", "/projects"],
  ["Repositories", "/repositories"],
  ["Clusters", "/clusters"],
  ["Accounts and tokens", "/accounts"],
  ["Settings", "/settings"],
];

const MOST = { Commands: 6, Applications: 8, Objects: 12, Pages: 6 } as const;

/** How well a name answers a word; 0 for not at all, the best is the whole name. */
export function rank(name: string, word: string): number {
  if (!word) return 1;
  const text = name.toLowerCase();
  if (text === word) return 5;
  if (text.startsWith(word)) return 4;
  const at = text.indexOf(word);
  if (at < 0) return 0;
  // A part of a name begins after what joins parts.
  return /[-_./: ]/.test(text[at - 1] as string) ? 3 : 2;
}

/** Every word has to answer somewhere in the texts; the first text counts most. */
function rankAll(texts: readonly string[], words: readonly string[]): number {
  if (!words.length) return 1;
  let sum = 0;
  for (const word of words) {
    let best = 0;
    texts.forEach((text, at) => {
      const found = rank(text, word);
      if (found) best = Math.max(best, at ? found / 10 : found);
    });
    if (!best) return 0;
    sum += best;
  }
  return sum;
}

/** Texts of objects, made once for each row: a hundred thousand objects are looked through in some milliseconds. */
const known = new WeakMap<Row, { one: ResourceStatus; text: string }[]>();

function objectsOf(row: Row): { one: ResourceStatus; text: string }[] {
  let found = known.get(row);
  if (!found) {
    found = (row.app.status?.resources ?? []).map((one) => ({ one, text: `${one.name ?? ""} ${one.kind ?? ""} ${one.namespace ?? ""}`.slice(0, 400).toLowerCase() }));
    known.set(row, found);
  }
  return found;
}

const applicationHit = (row: Row): Hit => ({
  id: `application ${row.key}`,
  group: "Applications",
  look: row.state.look,
  title: brief(row.name, 80),
  detail: [row.state.word, brief(row.project, 40), brief(row.cluster, 40), row.reason.sentence].filter(Boolean).join(" · "),
  href: pathOf(row.namespace, row.name),
});

/** The best first, each of them only while there is room; equal ones in the order of their names. */
class Best<T> {
  readonly #kept: { rank: number; name: string; value: T }[] = [];
  constructor(readonly most: number) {}

  add(rank: number, name: string, value: T): void {
    const last = this.#kept[this.#kept.length - 1];
    if (this.#kept.length >= this.most && last && (rank < last.rank || (rank === last.rank && name >= last.name))) return;
    let at = this.#kept.length;
    while (at > 0) {
      const before = this.#kept[at - 1] as { rank: number; name: string };
      if (before.rank > rank || (before.rank === rank && before.name <= name)) break;
      at--;
    }
    this.#kept.splice(at, 0, { rank, name, value });
    if (this.#kept.length > this.most) this.#kept.pop();
  }

  get all(): T[] {
    return this.#kept.map((one) => one.value);
  }
}

/** What a line means, the likeliest first. */
export function hitsOf(line: string, rows: Iterable<Row>): Hit[] {
  const words = line.toLowerCase().split(/\s+/).filter(Boolean).slice(0, 8);
  const [first = "", ...rest] = words;
  const verbs = rest.length ? VERBS.filter(([verb]) => verb.startsWith(first)) : [];
  const commands = new Best<Row>(MOST.Commands);
  const applications = new Best<{ row: Row; found: number }>(MOST.Applications);
  let best = 0;
  const objects = new Best<{ row: Row; one: ResourceStatus }>(MOST.Objects);
  for (const row of rows) {
    const texts = [row.name, row.namespace, row.project, row.cluster, row.destination, ...Object.values(row.facts.labels).slice(0, 20)];
    if (verbs.length) {
      const found = rankAll(texts, rest);
      if (found) commands.add(found, row.key, row);
    }
    const found = rankAll(texts, words);
    // Of those that answer alike the one that needs a person comes first.
    best = Math.max(best, found);
    if (found) applications.add(found + (words.length ? 0.01 : 1) * (10 - row.state.urgency), row.key, { row, found });
    if (!words.length) continue;
    for (const object of objectsOf(row)) {
      if (!words.every((word) => object.text.includes(word))) continue;
      objects.add(rankAll([object.one.name ?? "", object.one.kind ?? "", object.one.namespace ?? ""], words), `${object.one.name} ${row.key}`, { row, one: object.one });
    }
    const images = (row.app.status?.summary?.images ?? []).filter((image) => words.every((word) => image.toLowerCase().includes(word)));
    for (const image of images.slice(0, 3)) if (!found) applications.add(0.5, row.key, { row: { ...row, reason: { sentence: `runs ${brief(image, 120)}`, detail: "" } }, found: 0.5 });
  }
  const [[verb, what, tab, query] = ["", "", "", ""]] = verbs;
  return [
    ...commands.all.map((row): Hit => ({ id: `${verb} ${row.key}`, group: "Commands", look: row.state.look, title: `${verb} ${brief(row.name, 80)}`, detail: what, href: `${pathOf(row.namespace, row.name, tab)}${query ? `?${query}` : ""}` })),
    // Where names answer, what answers by its project or a label alone is noise.
    ...applications.all.filter((one) => best < 1 || one.found >= 1).map((one) => applicationHit(one.row)),
    ...objects.all.map(({ row, one }): Hit => ({
      id: `object ${row.key} ${refOf(one)}`,
      group: "Objects",
      look: lookOfObject(one.health?.status, one.status),
      title: `${brief(one.kind ?? "", 40)} ${brief(one.name ?? "", 80)}`,
      detail: [one.namespace ? `namespace ${brief(one.namespace, 60)}` : "", `of ${brief(row.name, 60)}`].filter(Boolean).join(" · "),
      href: `${pathOf(row.namespace, row.name)}?object=${encodeURIComponent(refOf(one))}`,
    })),
    ...PLACES.map(([title, href]) => ({ title, href, found: rankAll([title], words) }))
      .filter((one) => one.found && words.length)
      .slice(0, MOST.Pages)
      .map(({ title, href }): Hit => ({ id: `page ${href}`, group: "Pages", look: "none", title, detail: "", href })),
  ];
}
