import { useComputed, useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { useLocation } from "wouter";
import { fleet, parents } from "../replica/fleet";
import { type Row, steady } from "../replica/replica";
import { toggled } from "../filter/grammar";
import { Blank, Button, Waiting } from "../parts/parts";
import { Virtual } from "../parts/Virtual";
import { pathOf, useAddress } from "../shell/address";
import { favourites, toggleFavourite } from "../shell/kept";
import { typing, useKeys } from "../shell/keyboard";
import { causesOf } from "../words/cause";
import { count } from "../words/text";
import { Bulk, BulkBar, bulkOf } from "./Bulk";
import { HealthMap } from "./HealthMap";
import { Issues } from "./Issues";
import { phone } from "./phone";
import { GroupLine, HeadLine, RowLine } from "./RowLine";
import { Counts, SearchLine } from "./SearchLine";
import { chosen, grouped, type Item, NO_PARENTS } from "./view";

const ROW = 61;
const ROW_ON_PHONE = 124;
const GROUP = 38;

const keyOfItem = (item: Item): string => ("row" in item ? item.row.key : `group ${item.group}`);

export function Fleet() {
  const [words, change] = useAddress();
  const [, go] = useLocation();
  const line = words.get("q") ?? "";
  const by = words.get("group") ?? "";
  const all = fleet.rows.value;
  const standing = fleet.standing.value;

  const starred = favourites.value;
  const tree = by === "parent" ? parents.value : NO_PARENTS;
  const rows = useMemo(() => chosen(all.values(), line, starred), [all, line, starred]);
  const causes = useMemo(() => causesOf(all.values()), [all]);

  const selected = useSignal<ReadonlySet<string>>(new Set());
  const pointed = useSignal(false);
  const cursor = useSignal(-1);
  const shown = useRef<{ line: string; by: string; keys: readonly string[] }>({ line, by, keys: [] });

  // Another question is another order; the same question keeps its order while somebody points at it.
  const fresh = rows.map((row) => row.key);
  const held = (pointed.value || selected.value.size > 0) && shown.current.line === line && shown.current.by === by;
  const keys = steady(shown.current.keys, fresh, held);
  shown.current = { line, by, keys };
  const ordered = useMemo(() => keys.map((key) => all.get(key)).filter((row): row is Row => !!row), [keys, all]);
  const items = useMemo(() => grouped(ordered, by, tree), [ordered, by, tree]);

  const small = phone.value;
  const height = useMemo(() => (item: Item) => ("row" in item ? (small ? ROW_ON_PHONE : ROW) : GROUP), [small]);
  const size = useComputed(() => selected.value.size);

  const select = (key: string) => {
    const next = new Set(selected.value);
    if (!next.delete(key)) next.add(key);
    selected.value = next;
  };
  const move = (by: number) => {
    let at = cursor.value;
    do at += by;
    while (items[at] && !("row" in (items[at] as Item)));
    if (items[at]) cursor.value = at;
  };
  const here = () => {
    const item = items[cursor.value];
    return item && "row" in item ? item.row : undefined;
  };
  useKeys({
    "/": () => document.getElementById("search")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    x: () => {
      const row = here();
      if (row) select(row.key);
    },
    Enter: (event) => {
      const row = here();
      if (row && !typing(event.target)) go(pathOf(row.namespace, row.name));
    },
    s: () => {
      const row = here();
      if (row) toggleFavourite(row.key);
    },
    Escape: () => {
      selected.value = new Set();
      cursor.value = -1;
    },
  });

  if (standing.is === "refused")
    return (
      <Blank alone look="bad" title={standing.forbidden ? "You may not see applications" : "The server refuses"}>
        <p>{standing.why}</p>
        <p>Who may see what is decided by the policy in argocd-rbac-cm and by the roles of projects. This page tries again by itself.</p>
      </Blank>
    );

  return (
    <>
      <h1 class="unseen">Fleet</h1>
      <SearchLine line={line} by={by} change={change} rows={rows} all={all.size} />
      <Issues causes={causes} />
      {all.size > 0 && <HealthMap rows={rows} />}
      {all.size > 0 && <Counts rows={all.values()} line={line} toggle={(term) => change({ q: toggled(line, term) })} />}
      {standing.is === "loading" ? (
        <Waiting what="applications" />
      ) : !all.size ? (
        standing.is === "stale" ? (
          <Waiting what="applications" />
        ) : (
          <Blank title="No application yet">
            <p>An application says which manifests of Git belong in which cluster. Create the first from the command line:</p>
            <pre>trueup app create web --repo https://git.example.com/team/web.git --path deploy --dest-namespace web</pre>
            <p>It appears here the moment it exists.</p>
          </Blank>
        )
      ) : !rows.length ? (
        <Blank title="No application matches">
          <p>
            {count(all.size, "application")} are there, none with <code>{line}</code>.
          </p>
          <Button onClick={() => change({ q: undefined })}>Clear the search</Button>
        </Blank>
      ) : (
        <div
          class="card fleet"
          role="table"
          aria-label="Applications, the most urgent first"
          aria-rowcount={items.length + 1}
          onPointerEnter={() => (pointed.value = true)}
          onPointerLeave={() => (pointed.value = false)}
        >
          <HeadLine
            all={rows.length > 0 && rows.every((row) => selected.value.has(row.key))}
            onAll={(on) => (selected.value = on ? new Set(rows.map((row) => row.key)) : new Set())}
          />
          <Virtual
            items={items}
            height={height}
            keyOf={keyOfItem}
            reveal={cursor.value}
            render={(item, at) =>
              "row" in item ? (
                <RowLine row={item.row} at={at} here={at === cursor.value} selected={selected.value.has(item.row.key)} starred={starred.has(item.row.key)} onSelect={select} />
              ) : (
                <GroupLine by={by} item={item} at={at} />
              )
            }
          />
        </div>
      )}
      {size.value > 0 && <BulkBar keys={selected.value} onClear={() => (selected.value = new Set())} onDo={(what) => change({ do: what })} />}
      {words.has("do") && <Bulk what={bulkOf(words.get("do"))} keys={selected.value} onClose={() => change({ do: undefined })} />}
    </>
  );
}
