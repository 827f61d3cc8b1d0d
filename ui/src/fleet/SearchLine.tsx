import { useEffect, useRef, useState } from "preact/hooks";
import { Link } from "wouter";
import type { Row } from "../replica/replica";
import { KEYS, parse, type Term } from "../filter/grammar";
import { Shape } from "../parts/parts";
import { lookOf, type Word, WORDS } from "../words/state";
import { count } from "../words/text";
import { GROUPS } from "./view";
import { Views } from "./Views";

interface Props {
  line: string;
  by: string;
  change: (changes: Record<string, string | undefined>, replace?: boolean) => void;
  rows: Row[];
  /** Applications that there are. */
  all: number;
}

const NAMES: Record<string, string> = { project: "project", cluster: "cluster", ns: "namespace", repo: "repository", state: "state", parent: "parent" };

export function SearchLine({ line, by, change, rows, all }: Props) {
  const [text, type] = useState(line);
  const input = useRef<HTMLInputElement>(null);
  // The address may change by itself: back, a chip, a link. While somebody types it only follows, a moment later.
  useEffect(() => {
    if (document.activeElement !== input.current) type(line);
  }, [line]);
  const labels = new Set<string>();
  for (const row of rows.slice(0, 500)) for (const name of Object.keys(row.facts.labels)) if (labels.size < 20) labels.add(name);
  if (by.startsWith("label:")) labels.add(by.slice(6));
  return (
    <header class="search-line">
      <div class="search">
        <input
          id="search"
          ref={input}
          type="search"
          value={text}
          placeholder="Search, or project: cluster: ns: label: health: sync: auto:"
          aria-label={`Search applications; also ${KEYS.join(":, ")}:, and ! for not`}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => {
            const value = event.currentTarget.value;
            type(value);
            change({ q: value }, true);
          }}
          onBlur={() => type(new URLSearchParams(window.location.search).get("q") ?? "")}
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
        <kbd aria-hidden="true">/</kbd>
      </div>
      <label class="choice">
        <span>Group</span>
        <select value={by} onChange={(event) => change({ group: event.currentTarget.value })}>
          <option value="">no groups</option>
          {GROUPS.map((one) => (
            <option key={one} value={one}>
              by {NAMES[one]}
            </option>
          ))}
          {[...labels].sort().map((name) => (
            <option key={name} value={`label:${name}`}>
              by label {name.slice(0, 60)}
            </option>
          ))}
        </select>
      </label>
      <Views line={line} by={by} change={change} />
      <Link class="button primary" href="/new">
        New application
      </Link>
      <span class="found" role="status">
        {rows.length === all ? count(all, "application") : `${rows.length.toLocaleString("en")} of ${count(all, "application")}`}
      </span>
    </header>
  );
}

/** How many are in which state, the most urgent first. */
export function tally(rows: Iterable<Row>): [Word, number][] {
  const found = new Map<Word, number>();
  for (const row of rows) found.set(row.state.word, (found.get(row.state.word) ?? 0) + 1);
  return WORDS.filter((word) => found.has(word)).map((word) => [word, found.get(word) as number]);
}

/** States as buttons that narrow the list down. */
export function Counts({ rows, line, toggle }: { rows: Iterable<Row>; line: string; toggle: (term: Term) => void }) {
  const on = new Set(parse(line).flatMap((term) => (term.key === "state" && !term.not ? [term.value] : [])));
  return (
    <div class="counts" role="group" aria-label="Narrow down by state">
      {tally(rows).map(([word, size]) => (
        <button key={word} type="button" class="chip" aria-pressed={on.has(word)} onClick={() => toggle({ key: "state", value: word, not: false })}>
          <Shape look={lookOf(word)} /> {size.toLocaleString("en")} {word}
        </button>
      ))}
    </div>
  );
}
