import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { useLocation } from "wouter";
import { Dialog, Shape } from "../parts/parts";
import { fleet } from "../replica/fleet";
import { useAddress } from "../shell/address";
import { count } from "../words/text";
import { type Hit, hitsOf } from "./hits";
import { useFound } from "./served";

/** Find anything: a line, and what it may mean. The line stands in the address, so that it can be sent. */
export function Find() {
  const [words, change] = useAddress();
  const [, go] = useLocation();
  const line = (words.get("find") ?? "").trimStart();
  const rows = fleet.rows.value;
  const own = useMemo(() => hitsOf(line, rows.values()), [line, rows]);
  const served = useFound(line);
  const hits = useMemo(() => joined(own, served.hits), [own, served.hits]);
  const [cursor, move] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const base = useId();
  const at = Math.min(cursor, Math.max(0, hits.length - 1));
  useEffect(() => move(0), [line]);
  useEffect(() => input.current?.focus(), []);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView?.({ block: "nearest" });
  }, [at, hits]);
  const close = () => change({ find: undefined });
  // The finder itself is no place that anybody goes back to.
  const open = (hit: Hit) => go(hit.href, { replace: true });
  const step = (by: number) => move((at + by + hits.length) % Math.max(1, hits.length));
  return (
    <Dialog title="Find anything" onClose={close} bare>
      <input
        ref={input}
        class="find-line"
        type="text"
        role="combobox"
        value={line}
        aria-label="Find an application, an object, an image or a page, or say what to do: sync web"
        aria-expanded={hits.length > 0}
        aria-controls={`${base}list`}
        aria-autocomplete="list"
        aria-activedescendant={hits[at] ? `${base}${at}` : ""}
        placeholder="web, Deployment api, web:1.9, sync web, logs api"
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => change({ find: event.currentTarget.value || " " }, true)}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" || (event.key === "n" && event.ctrlKey)) step(1);
          else if (event.key === "ArrowUp" || (event.key === "p" && event.ctrlKey)) step(-1);
          else if (event.key === "Enter" && hits[at]) open(hits[at] as Hit);
          else if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey)) close();
          else return;
          event.preventDefault();
        }}
      />
      <ul class="hits" id={`${base}list`} role="listbox" aria-label="What was found" ref={list}>
        {hits.map((hit, index) => (
          <li
            key={hit.id}
            id={`${base}${index}`}
            role="option"
            aria-selected={index === at}
            onMouseMove={() => index !== at && move(index)}
            onClick={() => open(hit)}
          >
            <Shape look={hit.look} />
            <b>
              <bdi>{hit.title}</bdi>
            </b>
            <span class="dim">{hit.detail}</span>
            {hits[index - 1]?.group !== hit.group && <small>{hit.group}</small>}
          </li>
        ))}
      </ul>
      <p class="note pad" role="status">
        {hits.length ? `${count(hits.length, "answer")}. Arrows choose, Enter opens.` : line.trim() ? "Nothing has such a name." : "Type a name."} {served.note}
      </p>
    </Dialog>
  );
}

/** What the server has found beside what the page knows; each object once. */
function joined(own: Hit[], served: Hit[]): Hit[] {
  const there = new Set(own.map((hit) => hit.id));
  const fresh = served.filter((hit) => !there.has(hit.id));
  const end = own.findIndex((hit) => hit.group === "Pages");
  return end < 0 ? [...own, ...fresh] : [...own.slice(0, end), ...fresh, ...own.slice(end)];
}
