import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Tree } from "../model/tree";
import { ApiError } from "../net/client";
import { lines } from "../net/lines";
import { Blank, Button, Waiting } from "../parts/parts";
import type { Row } from "../replica/replica";
import { useAddress } from "../shell/address";
import { useKeys } from "../shell/keyboard";
import { brief, count, plain } from "../words/text";
import { spans } from "./ansi";
import { type LogEntry, type LogLine, lineOf, passes } from "./logline";

/** Lines that are kept, and those of them that are drawn. */
const KEPT = 10_000;
const DRAWN = 1_500;
const TAIL = 500;

interface Read {
  lines: LogLine[];
  ended: boolean;
  error?: ApiError;
}

/** The log of all Pods, or of one, in the order in which it comes; several lines at once are shown at once. */
function useLog(row: Row, pod: string, previous: boolean, follow: boolean): Read {
  const [read, tell] = useState<Read>({ lines: [], ended: false });
  useEffect(() => {
    const stopped = new AbortController();
    const { signal } = stopped;
    tell({ lines: [], ended: false });
    let fresh: LogLine[] = [];
    let due: ReturnType<typeof setTimeout> | undefined;
    let id = 0;
    const flush = () => {
      due = undefined;
      const more = fresh;
      fresh = [];
      tell((before) => ({ ...before, lines: [...before.lines, ...more].slice(-KEPT) }));
    };
    const run = async () => {
      const query = { appNamespace: row.namespace, namespace: row.destination, podName: pod || undefined, previous: previous || undefined, follow: follow && !previous, tailLines: TAIL };
      try {
        for await (const entry of lines<LogEntry>(`/v1/applications/${encodeURIComponent(row.name)}/logs`, { query, signal })) {
          if (entry.last) break;
          fresh.push(lineOf(entry, id++));
          if (fresh.length > KEPT) fresh = fresh.slice(-KEPT);
          due ??= setTimeout(flush, 80);
        }
        flush();
        tell((before) => ({ ...before, ended: true }));
      } catch (error) {
        if (signal.aborted) return;
        flush();
        tell((before) => ({ ...before, ended: true, error: error instanceof ApiError ? error : new ApiError(0, "The server sent what is no line of a log") }));
      }
    };
    void run();
    return () => {
      stopped.abort();
      clearTimeout(due);
    };
  }, [row.key, row.destination, pod, previous, follow]);
  return read;
}

export function Logs({ row, tree }: { row: Row; tree: Tree | undefined }) {
  const [words, change] = useAddress();
  const pod = words.get("pod") ?? "";
  const previous = words.has("previous");
  const follow = !words.has("still");
  const search = words.get("q") ?? "";
  const read = useLog(row, pod, previous, follow);
  const pods = useMemo(() => (tree?.nodes ?? []).filter((node) => node.kind === "Pod" && !node.group).map((node) => node.name ?? ""), [tree]);
  const shown = useMemo(() => (search ? read.lines.filter((line) => passes(line, search)) : read.lines), [read.lines, search]);
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useKeys({ "/": () => document.getElementById("log-search")?.focus() });
  useLayoutEffect(() => {
    if (follow && atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown, follow]);
  const many = useMemo(() => new Set(read.lines.map((line) => line.pod)).size > 1, [read.lines]);

  const download = () => {
    const text = shown.map((line) => `${line.at} ${line.pod} ${line.text} ${line.fields}`.trimEnd()).join("\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = `${row.name}.log`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
  };

  return (
    <>
      <div class="toolbar logs-bar">
        <select aria-label="Pod" value={pod} onChange={(event) => change({ pod: event.currentTarget.value })}>
          <option value="">all Pods</option>
          {[...new Set([...pods, ...(pod ? [pod] : [])])].sort().map((one) => (
            <option key={one} value={one}>
              {brief(one, 80)}
            </option>
          ))}
        </select>
        <input id="log-search" type="search" value={search} placeholder="Search; !word for not, level:error" aria-label="Search the log: words, !word for not, level: and pod:" onInput={(event) => change({ q: event.currentTarget.value }, true)} />
        <label class="check">
          <input type="checkbox" checked={follow} disabled={previous} onChange={(event) => change({ still: event.currentTarget.checked ? undefined : "1" }, true)} /> Follow
        </label>
        <label class="check">
          <input type="checkbox" checked={previous} onChange={(event) => change({ previous: event.currentTarget.checked ? "1" : undefined }, true)} /> Before the restart
        </label>
        <Button onClick={download} disabled={!shown.length}>
          Download
        </Button>
      </div>
      {read.error && !read.lines.length ? (
        <Blank look="bad" title={read.error.forbidden ? "You may not read logs" : "The log cannot be read"}>
          <p>{read.error.message}</p>
          {read.error.forbidden ? <p class="dim">It takes a policy with “logs, get” for this application.</p> : null}
        </Blank>
      ) : !read.lines.length ? (
        read.ended ? (
          <Blank title="No line">
            <p>{previous ? "No container has restarted, or what it said before is gone." : "The Pods have said nothing, or there is none."}</p>
          </Blank>
        ) : (
          <Waiting what="the log" />
        )
      ) : (
        <div
          class="card log-box"
          ref={box}
          tabIndex={0}
          role="log"
          aria-label="Log"
          aria-live="off"
          onScroll={(event) => {
            const element = event.currentTarget;
            atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
          }}
        >
          {shown.length > DRAWN && <div class="dim folded">{count(shown.length - DRAWN, "earlier line")}: search, or download them.</div>}
          {shown.slice(-DRAWN).map((line) => (
            <LineView key={line.id} line={line} many={many} />
          ))}
          {!shown.length && <div class="dim folded">None of {count(read.lines.length, "line")} matches.</div>}
        </div>
      )}
      <p class="note" role="status">
        {search ? `${count(shown.length, "line")} of ${read.lines.length.toLocaleString("en")}` : count(read.lines.length, "line")}
        {read.error ? `, then: ${read.error.message}` : read.ended ? ", the end" : follow ? ", followed" : ""}
      </p>
    </>
  );
}

function LineView({ line, many }: { line: LogLine; many: boolean }) {
  return (
    <div class={`line ${line.level}`}>
      <time dateTime={line.at} title={line.at}>
        {clock(line.at)}
      </time>
      {many && <span class="pod" title={plain(line.pod)}>{brief(line.pod.slice(-12), 12)}</span>}
      <span class="level">{line.level}</span>
      <span class="text">
        {spans(line.text).map((span, at) =>
          span.look ? (
            <span key={at} class={span.look}>
              {span.text}
            </span>
          ) : (
            span.text
          ),
        )}
        {line.fields && <span class="dim"> {plain(line.fields)}</span>}
      </span>
    </div>
  );
}

function clock(at: string): string {
  const instant = Date.parse(at);
  return Number.isNaN(instant) ? "" : new Date(instant).toTimeString().slice(0, 8);
}
