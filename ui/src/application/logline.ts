/** What a line of a log is. Pure. */

import { like } from "../filter/grammar";

export interface LogEntry {
  content?: string;
  timeStampStr?: string;
  timeStamp?: string;
  podName?: string;
  last?: boolean;
}

export type Level = "error" | "warn" | "info" | "debug" | "";

export interface LogLine {
  id: number;
  at: string;
  pod: string;
  level: Level;
  text: string;
  /** Fields of a line that is JSON, without its level, time and message. */
  fields: readonly Field[];
}

export interface Field {
  name: string;
  value: string;
}

/** A line, and those of a stack trace that belong to it. */
export interface Entry {
  line: LogLine;
  trace: readonly LogLine[];
}

const LEVELS: [Level, RegExp][] = [
  ["error", /\b(?:error|err|fatal|panic|crit(?:ical)?|exception|traceback)\b/i],
  ["warn", /\bwarn(?:ing)?\b/i],
  ["debug", /\b(?:debug|trace)\b/i],
  ["info", /\binfo\b/i],
];
/** A level stands near the beginning of a line. */
const NEAR = 160;
const LONGEST = 8_000;

export function levelOf(text: string): Level {
  const start = text.slice(0, NEAR);
  return LEVELS.find(([, pattern]) => pattern.test(start))?.[0] ?? "";
}

export function lineOf(entry: LogEntry, id: number): LogLine {
  const content = entry.content ?? "";
  const text = content.length > LONGEST ? `${content.slice(0, LONGEST)}… (${content.length} letters)` : content;
  const base = { id, at: entry.timeStampStr || entry.timeStamp || "", pod: entry.podName ?? "" };
  const json = structured(content);
  if (!json) return { ...base, level: levelOf(text), text, fields: [] };
  const { level, message, fields } = json;
  return { ...base, level: levelOf(level) || levelOf(message), text: message, fields };
}

function structured(content: string): { level: string; message: string; fields: Field[] } | undefined {
  if (!content.startsWith("{") || content.length > LONGEST) return undefined;
  try {
    const { level, lvl, severity, msg, message, time, ts, timestamp, ...rest } = JSON.parse(content) as Record<string, unknown>;
    const told = msg ?? message;
    if (typeof told !== "string") return undefined;
    const fields = Object.entries(rest).map(([name, value]) => ({ name, value: typeof value === "string" ? value : JSON.stringify(value) }));
    void [time, ts, timestamp];
    return { level: String(level ?? lvl ?? severity ?? ""), message: told, fields };
  } catch {
    return undefined;
  }
}

/** A line with its fields as one text: what is searched, and what is downloaded. */
export const textOf = (line: LogLine): string => [line.text, ...line.fields.map((one) => `${one.name}=${one.value}`)].join(" ");

/** The name of a line in an address: its Pod and its instant, which a cluster tells to the nanosecond. */
export const nameOfLine = (line: LogLine): string => `${line.pod}~${line.at}`;

/** From when a log is read so that a line of an address is in it: half a minute before; empty for a name that is none. */
export function sinceOf(name: string): string {
  const at = Date.parse(name.slice(name.indexOf("~") + 1));
  return name.includes("~") && !Number.isNaN(at) ? new Date(at - 30_000).toISOString() : "";
}

// Frames of Java, JavaScript and C#, of Python, of Go, of Ruby; and what joins two traces.
const FRAME = /^(?:\s+at\s|\s+\.\.\. \d+ more|\s+File "|\s{4,}\S|\t\S|Caused by: |Suppressed: |goroutine \d|\s+from \S+:\d+|Traceback \(most recent)/;
/** Longer ones are somebody's data, indented. */
const LONGEST_TRACE = 500;

/** Lines of a stack trace below the line that they belong to; lines of other Pods that come between do not part them. */
export function entriesOf(lines: readonly LogLine[]): Entry[] {
  const entries: { line: LogLine; trace: LogLine[] }[] = [];
  const open = new Map<string, { line: LogLine; trace: LogLine[] }>();
  for (const line of lines) {
    const above = open.get(line.pod);
    if (above && above.trace.length < LONGEST_TRACE && !line.fields.length && FRAME.test(line.text.slice(0, 200))) {
      above.trace.push(line);
      continue;
    }
    const entry = { line, trace: [] };
    entries.push(entry);
    open.set(line.pod, entry);
  }
  return entries;
}

/** How many lines are of each level that there is. */
export function levelsOf(lines: readonly LogLine[]): [Level, number][] {
  const found = new Map<Level, number>();
  for (const { level } of lines) if (level) found.set(level, (found.get(level) ?? 0) + 1);
  return LEVELS.map(([level]): [Level, number] => [level, found.get(level) ?? 0]).filter(([, number]) => number);
}

/** A search with a level alone, or without it where it was there. */
export function toggledLevel(search: string, level: Level): string {
  const words = search.split(/\s+/).filter(Boolean);
  const rest = words.filter((word) => !word.startsWith("level:"));
  return (words.includes(`level:${level}`) ? rest : [...rest, `level:${level}`]).join(" ");
}

/** Words that a line has to have, and with `!` those that it may not; `level:` and `pod:` as in the fleet's search. */
export function passes(line: LogLine, search: string): boolean {
  const text = textOf(line).toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => {
      const not = word.startsWith("!") && word.length > 1;
      const wanted = not ? word.slice(1) : word;
      const holds = wanted.startsWith("level:") ? line.level === wanted.slice(6) : wanted.startsWith("pod:") ? like(line.pod, wanted.slice(4)) : text.includes(wanted);
      return holds !== not;
    });
}
