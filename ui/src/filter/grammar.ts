/**
 * What the search line understands: words, and `key:value` with one of `KEYS`; `!` before either says not. Values with
 * spaces stand in quotes, `*` is any text. Terms of one key mean any of them, of several keys all; labels, each.
 */

export const KEYS = ["project", "cluster", "ns", "label", "health", "sync", "auto", "state", "repo", "cause", "fav"] as const;

export type Key = (typeof KEYS)[number] | "text";

export interface Term {
  key: Key;
  value: string;
  not: boolean;
}

/** What a term is held against. */
export interface Facts {
  text: string;
  project: string;
  cluster: string;
  ns: string;
  labels: Record<string, string>;
  health: string;
  sync: string;
  auto: string;
  state: string;
  repo: string;
  cause: string;
  /** A favourite of this browser: yes or no. */
  fav: string;
}

const isKey = (text: string): text is (typeof KEYS)[number] => (KEYS as readonly string[]).includes(text);

/** Read a line; there is none that cannot be read. */
export function parse(line: string): Term[] {
  const terms: Term[] = [];
  for (const word of split(line)) {
    const not = word.startsWith("!");
    const rest = not ? word.slice(1) : word;
    const colon = rest.indexOf(":");
    const key = colon > 0 && !rest.startsWith('"') ? rest.slice(0, colon) : "";
    const value = unquoted(isKey(key) ? rest.slice(colon + 1) : rest);
    if (value) terms.push({ key: isKey(key) ? key : "text", value, not });
  }
  return terms;
}

/** The line that reads as these terms. */
export function print(terms: readonly Term[]): string {
  return terms
    .map(({ key, value, not }) => `${not ? "!" : ""}${key === "text" ? "" : `${key}:`}${quoted(key, value)}`)
    .join(" ");
}

/** Put a term into a line, or take it out where it is there. */
export function toggled(line: string, term: Term): string {
  const terms = parse(line);
  const rest = terms.filter((one) => one.key !== term.key || one.value !== term.value || one.not !== term.not);
  return print(rest.length < terms.length ? rest : [...terms, term]);
}

export function matches(facts: Facts, terms: readonly Term[]): boolean {
  const wanted = new Map<Key, boolean>();
  for (const term of terms) {
    const holds = one(facts, term);
    if (term.not || term.key === "text" || term.key === "label") {
      if (holds === term.not) return false;
    } else wanted.set(term.key, holds || (wanted.get(term.key) ?? false));
  }
  return [...wanted.values()].every(Boolean);
}

function one(facts: Facts, { key, value }: Term): boolean {
  if (key === "text") return facts.text.toLowerCase().includes(value.toLowerCase());
  if (key === "label") {
    const sign = value.indexOf("=");
    const name = sign < 0 ? value : value.slice(0, sign);
    return name in facts.labels && (sign < 0 || like(facts.labels[name] ?? "", value.slice(sign + 1)));
  }
  return like(facts[key], value);
}

/** Equal but for case, with `*` for any text. No regular expression: a line of somebody's is not a program. */
export function like(text: string, pattern: string): boolean {
  const [first = "", ...parts] = pattern.toLowerCase().split("*");
  let rest = text.toLowerCase();
  if (!parts.length) return rest === first;
  const last = parts.pop() ?? "";
  if (!rest.startsWith(first)) return false;
  rest = rest.slice(first.length);
  for (const part of parts) {
    const at = rest.indexOf(part);
    if (at < 0) return false;
    rest = rest.slice(at + part.length);
  }
  return rest.length >= last.length && rest.endsWith(last);
}

/** Words, with quoted text kept together. */
function* split(line: string): Generator<string> {
  let word = "";
  let inside = false;
  for (let at = 0; at < line.length; at++) {
    const letter = line[at] as string;
    if (inside && letter === "\\" && at + 1 < line.length) word += letter + (line[++at] as string);
    else if (letter === '"') {
      inside = !inside;
      word += letter;
    } else if (!inside && /\s/.test(letter)) {
      if (word) yield word;
      word = "";
    } else word += letter;
  }
  if (word) yield word;
}

function unquoted(text: string): string {
  let value = "";
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string;
    if (letter === "\\" && at + 1 < text.length && text.includes('"')) value += text[++at] as string;
    else if (letter !== '"') value += letter;
  }
  return value;
}

function quoted(key: Key, value: string): string {
  const bare = /^[^\s"\\!:]+$/.test(value) || (key !== "text" && /^[^\s"\\]+$/.test(value));
  return bare ? value : `"${value.replace(/[\\"]/g, "\\$&")}"`;
}
