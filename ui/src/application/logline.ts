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
  fields: string;
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
  if (!json) return { ...base, level: levelOf(text), text, fields: "" };
  const { level, message, fields } = json;
  return { ...base, level: levelOf(level) || levelOf(message), text: message, fields };
}

function structured(content: string): { level: string; message: string; fields: string } | undefined {
  if (!content.startsWith("{") || content.length > LONGEST) return undefined;
  try {
    const { level, lvl, severity, msg, message, time, ts, timestamp, ...rest } = JSON.parse(content) as Record<string, unknown>;
    const told = msg ?? message;
    if (typeof told !== "string") return undefined;
    const fields = Object.entries(rest).map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
    void [time, ts, timestamp];
    return { level: String(level ?? lvl ?? severity ?? ""), message: told, fields: fields.join(" ") };
  } catch {
    return undefined;
  }
}

/** Words that a line has to have, and with `!` those that it may not; `level:` and `pod:` as in the fleet's search. */
export function passes(line: LogLine, search: string): boolean {
  const text = `${line.text} ${line.fields}`.toLowerCase();
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
