/** An object as YAML, for reading. What it cannot show as plain text it quotes as JSON does. */

import { compare } from "./state";

const PLAIN = /^[A-Za-z_/.](?:[\w ./@+-]|:(?=\S))*$/;
const SPECIAL = /^(?:true|false|yes|no|on|off|null|~|\.nan|[-+]?\.inf|\.?[-+\d][\d_.:eE+-]*)$/i;

/** The most lines that are made of one object: who reads more reads it elsewhere. */
export const MOST_LINES = 20_000;

export function yaml(value: unknown): string {
  const lines: string[] = [];
  write(value, "", lines);
  return lines.join("\n");
}

function write(value: unknown, indent: string, lines: string[]): void {
  if (Array.isArray(value)) {
    for (const item of value) {
      if (lines.length >= MOST_LINES) return;
      if (isBranch(item)) {
        const inner: string[] = [];
        write(item, `${indent}  `, inner);
        inner[0] = `${indent}- ${(inner[0] as string).slice(indent.length + 2)}`;
        lines.push(...inner.slice(0, MOST_LINES));
      } else leaf(`${indent}- `, item, indent, lines);
    }
  } else if (value !== null && typeof value === "object") {
    for (const [key, item] of Object.entries(value)) {
      if (lines.length >= MOST_LINES) return;
      if (isBranch(item)) {
        lines.push(`${indent}${scalar(key)}:`);
        write(item, Array.isArray(item) ? indent : `${indent}  `, lines);
      } else leaf(`${indent}${scalar(key)}: `, item, indent, lines);
    }
  } else lines.push(`${indent}${scalar(value)}`);
}

const isBranch = (value: unknown): value is object => value !== null && typeof value === "object" && Object.keys(value).length > 0;

function leaf(head: string, value: unknown, indent: string, lines: string[]): void {
  if (typeof value === "string" && /^[^\n\r\u0000-\u0008]*\n/.test(value) && !/[ \t]\n|\r/.test(value) && !/^\s/.test(value)) {
    const text = value.endsWith("\n") ? value.slice(0, -1) : value;
    lines.push(`${head}${value.endsWith("\n") ? "|" : "|-"}`);
    for (const line of text.split("\n", MOST_LINES)) lines.push(`${indent}  ${line}`);
  } else lines.push(`${head}${scalar(value)}`);
}

function scalar(value: unknown): string {
  if (typeof value === "string") return PLAIN.test(value) && !SPECIAL.test(value) && !value.endsWith(" ") ? value : JSON.stringify(value);
  if (value === null || typeof value !== "object") return String(value);
  return Array.isArray(value) ? "[]" : "{}";
}

/** The same value with the keys of its maps by their names: they have no order of their own, and two answers need not agree on one. */
export function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => compare(a, b)).map(([key, item]) => [key, ordered(item)]));
}

/** The text of an answer's object; empty for `null`, which says that there is none. */
export function ofState(state: string | undefined): string {
  if (!state || state === "null") return "";
  try {
    const value = JSON.parse(state) as { metadata?: { managedFields?: unknown } };
    // Who wrote which field is told elsewhere, and is half of the text.
    if (value.metadata) delete value.metadata.managedFields;
    return yaml(ordered(value));
  } catch {
    return state;
  }
}
