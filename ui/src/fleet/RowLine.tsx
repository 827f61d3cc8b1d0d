import { memo } from "preact/compat";
import { Link } from "wouter";
import { deployedOf, revisionOfEntry } from "../model/deployed";
import { commitOf } from "../replica/commits";
import type { Row } from "../replica/replica";
import { Ago, For, StateMark } from "../parts/parts";
import { pathOf } from "../shell/address";
import { toggleFavourite } from "../shell/kept";
import { brief, count, firstLine, oneLine, shortRevision } from "../words/text";
import { sourcesOf } from "../model/application";
import type { Item } from "./view";

export function HeadLine({ all, onAll }: { all: boolean; onAll: (on: boolean) => void }) {
  return (
    <div role="rowgroup">
      <div class="row head" role="row" aria-rowindex={1}>
        <span role="columnheader" class="pick">
          <input type="checkbox" aria-label="Select all that match" checked={all} onChange={(event) => onAll(event.currentTarget.checked)} />
        </span>
        {["State", "Application", "What is going on", "Commit", "Drift"].map((title) => (
          <span key={title} role="columnheader">
            {title}
          </span>
        ))}
      </div>
    </div>
  );
}

export function GroupLine({ by, item, at }: { by: string; item: Extract<Item, { group: string }>; at: number }) {
  return (
    <div class="row group" role="row" aria-rowindex={at + 2}>
      <span role="cell" aria-colspan={6}>
        <b>{item.group ? brief(item.group, 80) : `no ${by.replace(/^label:/, "label ")}`}</b>
        <span class="dim">
          {count(item.size, "application")}
          {item.ill ? ` · ${item.ill} to look at` : ""}
        </span>
      </span>
    </div>
  );
}

interface Props {
  row: Row;
  at: number;
  here: boolean;
  selected: boolean;
  starred: boolean;
  onSelect: (key: string) => void;
}

export const RowLine = memo(
  function RowLine({ row, at, here, selected, starred, onSelect }: Props) {
    const place = [row.project, row.cluster].filter(Boolean).map((one) => brief(one, 40)).join(" · ");
    return (
      <div class={`row${here ? " here" : ""}${selected ? " selected" : ""}`} role="row" aria-rowindex={at + 2}>
        <span role="cell" class="pick">
          <input type="checkbox" aria-label={`Select ${brief(row.name, 80)}`} checked={selected} onChange={() => onSelect(row.key)} />
          <button type="button" class="star" aria-pressed={starred} aria-label={`Favourite ${brief(row.name, 80)}`} title="Favourite: found by fav:yes" onClick={() => toggleFavourite(row.key)}>
            {starred ? "★" : "☆"}
          </button>
        </span>
        <span role="cell" class="what-state">
          <StateMark look={row.state.look} word={row.state.word} />
          <small>
            <For at={row.state.since} />
          </small>
        </span>
        <span role="cell" class="name">
          <Link href={pathOf(row.namespace, row.name)} class="over" title={brief(row.key, 200)}>
            <bdi>{brief(row.name, 80)}</bdi>
          </Link>
          <small>{place}</small>
        </span>
        <span role="cell" class="reason">
          <span title={row.reason.sentence}>{row.reason.sentence}</span>
          <small title={row.reason.detail}>{row.reason.detail}</small>
        </span>
        <span role="cell" class="revision">
          <Revision row={row} />
        </span>
        <span role="cell" class="drift">
          {row.drift ? count(row.drift, "object") : <span class="dim">none</span>}
        </span>
      </div>
    );
  },
  (before, after) =>
    before.row === after.row && before.here === after.here && before.selected === after.selected && before.starred === after.starred && before.at === after.at,
);

function Revision({ row }: { row: Row }) {
  const revision = row.change?.revision || revisionOfEntry(deployedOf(row.app)) || row.revision;
  const commit = commitOf(row, revision).value;
  const source = sourcesOf(row.app)[0];
  if (!revision) return <span class="dim">not read yet</span>;
  return (
    <>
      <span title={commit?.message ? oneLine(commit.message) : brief(revision, 80)}>
        <code>{shortRevision(revision)}</code> {firstLine(commit?.message)}
      </span>
      <small>
        {commit?.author ? (
          <>
            {oneLine(commit.author.replace(/\s*<.*$/, ""), 40)}
            {commit.date ? " · " : ""}
            <Ago at={commit.date} />
          </>
        ) : (
          oneLine(source?.chart || source?.path || source?.repoURL || "", 60)
        )}
      </small>
    </>
  );
}
