/** Two texts side by side, line by line, and word by word where a line was changed. */

import { diffLines, diffWordsWithSpace } from "diff";

export interface Piece {
  text: string;
  /** It is this piece that differs. */
  differs: boolean;
}

export type Line = { is: "same" | "old" | "new"; pieces: Piece[] } | { is: "folded"; count: number };

/** Beyond this many letters a comparison costs more than it shows. */
const MOST = 400_000;
const LINE = 2_000;
const CONTEXT = 3;

/**
 * @returns the lines, or undefined where the texts are too large to be compared in a page.
 */
export function difference(before: string, after: string): Line[] | undefined {
  if (before.length + after.length > MOST) return undefined;
  const parts = diffLines(ended(before), ended(after), { timeout: 1_000 });
  if (!parts) return undefined;
  const lines: Line[] = [];
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] as (typeof parts)[number];
    const next = parts[at + 1];
    if (part.removed && next?.added) {
      changed(split(part.value), split(next.value), lines);
      at++;
    } else for (const text of split(part.value)) lines.push({ is: part.added ? "new" : part.removed ? "old" : "same", pieces: whole(text) });
  }
  return folded(lines);
}

const ended = (text: string): string => (text && !text.endsWith("\n") ? `${text}\n` : text);
const split = (text: string): string[] => (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
const whole = (text: string): Piece[] => [{ text, differs: false }];

/** As many lines on both sides: each is compared with its counterpart. */
function changed(old: string[], fresh: string[], lines: Line[]): void {
  const paired = old.length === fresh.length;
  const words = old.map((text, at) => (paired && text.length + (fresh[at] as string).length < LINE ? diffWordsWithSpace(text, fresh[at] as string) : undefined));
  const side = (text: string, at: number, leave: "added" | "removed"): Piece[] =>
    words[at]?.filter((word) => !word[leave]).map((word) => ({ text: word.value, differs: word.added || word.removed })) ?? whole(text);
  old.forEach((text, at) => lines.push({ is: "old", pieces: side(text, at, "added") }));
  fresh.forEach((text, at) => lines.push({ is: "new", pieces: side(text, at, "removed") }));
}

/** Runs of equal lines, but for a few beside each change, become one line that says how many. */
function folded(lines: Line[]): Line[] {
  const near = new Set<number>();
  lines.forEach((line, at) => {
    if (line.is === "old" || line.is === "new") for (let by = -CONTEXT; by <= CONTEXT; by++) near.add(at + by);
  });
  const found: Line[] = [];
  let count = 0;
  const close = () => {
    if (count) found.push({ is: "folded", count });
    count = 0;
  };
  lines.forEach((line, at) => {
    if (line.is === "same" && !near.has(at)) count++;
    else {
      close();
      found.push(line);
    }
  });
  close();
  return found;
}
