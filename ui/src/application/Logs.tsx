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
import { type Entry, entriesOf, levelsOf, type LogEntry, type LogLine, lineOf, nameOfLine, passes, sinceOf, textOf, toggledLevel } from "./logline";

/** Lines that are kept, and those of them that are drawn. */
const KEPT = 10_000;
const DRAWN = 1_500;
const TAIL = 500;
/** After the end of a log that is followed it is asked for again, in milliseconds. */
const AGAIN = 3_000;
/** Letters of an instant down to its second. */
const SECOND = 19;

interface Read {
  lines: LogLine[];
  ended: boolean;
  error?: ApiError;
}

/** The log of all Pods, or of one, in the order in which it comes; several lines at once are shown at once. */
function useLog(row: Row, pod: string, previous: boolean, follow: boolean, since: string): Read {
  const [read, tell] = useState<Read>({ lines: [], ended: false });
  useEffect(() => {
    const stopped = new AbortController();
    const { signal } = stopped;
    tell({ lines: [], ended: false });
    let fresh: LogLine[] = [];
    let due: ReturnType<typeof setTimeout> | undefined;
    let id = 0;
    let last = since;
    // A log is read from a second on: lines of that one are told twice.
    let told = new Set<string>();
    const flush = () => {
      due = undefined;
      const more = fresh;
      fresh = [];
      tell((before) => ({ ...before, ended: before.ended && !more.length, lines: [...before.lines, ...more].slice(-KEPT) }));
    };
    const run = async () => {
      const query = { appNamespace: row.namespace, namespace: row.destination, podName: pod || undefined, previous: previous || undefined, follow: follow && !previous };
      try {
        do {
          for await (const entry of lines<LogEntry>(`/v1/applications/${encodeURIComponent(row.name)}/logs`, { query: { ...query, ...(last ? { sinceTime: last } : { tailLines: TAIL }) }, signal })) {
            if (entry.last) break;
            const line = lineOf(entry, id++);
            const name = `${nameOfLine(line)} ${line.text}`;
            if (told.has(name)) continue;
            if (line.at.slice(0, SECOND) > last.slice(0, SECOND)) told = new Set();
            told.add(name);
            if (line.at) last = line.at;
            fresh.push(line);
            if (fresh.length > KEPT) fresh = fresh.slice(-KEPT);
            due ??= setTimeout(flush, 80);
          }
          flush();
          tell((before) => ({ ...before, ended: true }));
          // What is followed goes on when its Pods do: a container that has ended may be started again.
          if (query.follow) await new Promise((resolve) => setTimeout(resolve, AGAIN));
        } while (query.follow && !signal.aborted);
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
  // By the line that somebody came with: another one that is chosen here is there already.
  const [since] = useState(() => sinceOf(words.get("line") ?? ""));
  const read = useLog(row, pod, previous, follow, since);
  const pods = useMemo(() => (tree?.nodes ?? []).filter((node) => node.kind === "Pod" && !node.group).map((node) => node.name ?? ""), [tree]);
  const wanted = words.get("line") ?? "";
  const shown = useMemo(() => (search ? read.lines.filter((line) => passes(line, search)) : read.lines), [read.lines, search]);
  // What is searched for may be a frame: then each line stands for itself.
  const entries = useMemo((): Entry[] => (search ? shown.map((line) => ({ line, trace: [] })) : entriesOf(shown)), [shown, search]);
  const levels = useMemo(() => levelsOf(read.lines), [read.lines]);
  const there = useMemo(() => !!wanted && read.lines.some((line) => nameOfLine(line) === wanted), [read.lines, wanted]);
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useKeys({ "/": () => document.getElementById("log-search")?.focus() });
  useLayoutEffect(() => {
    if (!there) return;
    // Who came by the link to a line looks at that line, whatever comes after it.
    atEnd.current = false;
    box.current?.querySelector(".line.wanted")?.scrollIntoView({ block: "center" });
  }, [there]);
  useLayoutEffect(() => {
    if (follow && atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown, follow]);
  const many = useMemo(() => new Set(read.lines.map((line) => line.pod)).size > 1, [read.lines]);

  const download = () => {
    const text = shown.map((line) => `${line.at} ${line.pod} ${textOf(line)}`.trimEnd()).join("\n");
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
        {levels.length > 1 && (
          <span class="segments" role="group" aria-label="Level">
            {levels.map(([level, number]) => (
              <button key={level} type="button" aria-pressed={search.includes(`level:${level}`)} onClick={() => change({ q: toggledLevel(search, level) }, true)}>
                {level} {number.toLocaleString("en")}
              </button>
            ))}
          </span>
        )}
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
          {entries.length > DRAWN && <div class="dim folded">{count(entries.length - DRAWN, "earlier line")}: search, or download them.</div>}
          {entries.slice(-DRAWN).map(({ line, trace }) => (
            <LineView key={line.id} line={line} trace={trace} many={many} wanted={nameOfLine(line) === wanted} onLink={() => change({ line: nameOfLine(line) }, true)} />
          ))}
          {!shown.length && <div class="dim folded">None of {count(read.lines.length, "line")} matches.</div>}
        </div>
      )}
      <p class="note" role="status">
        {search ? `${count(shown.length, "line")} of ${read.lines.length.toLocaleString("en")}` : count(read.lines.length, "line")}
        {wanted && !there && read.lines.length ? ", the line of the link is not among them: it is older, or its Pod is gone" : ""}
        {read.error ? `, then: ${read.error.message}` : follow && !previous ? (read.ended ? ", followed: its Pods say nothing for now" : ", followed") : read.ended ? ", the end" : ""}
      </p>
    </>
  );
}

function LineView({ line, trace, many, wanted, onLink }: { line: LogLine; trace: readonly LogLine[]; many: boolean; wanted: boolean; onLink: () => void }) {
  return (
    <div class={`line ${line.level}${wanted ? " wanted" : ""}`}>
      <button type="button" class="at" title={`${line.at}: put this line into the address`} onClick={onLink}>
        <time dateTime={line.at}>{clock(line.at)}</time>
      </button>
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
        {line.fields.map((one) => (
          <span key={one.name} class="pair">
            {" "}
            <i>{brief(one.name, 80)}</i>={plain(one.value)}
          </span>
        ))}
        {trace.length > 0 && (
          <details>
            <summary>{count(trace.length, "line")} of a stack trace</summary>
            {trace.map((one) => plain(one.text)).join("\n")}
          </details>
        )}
      </span>
    </div>
  );
}

function clock(at: string): string {
  const instant = Date.parse(at);
  return Number.isNaN(instant) ? "" : new Date(instant).toTimeString().slice(0, 8);
}
