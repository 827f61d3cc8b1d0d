/** Colours of a terminal as classes; every other sequence is left out, and nothing becomes markup. */

import { plain } from "../words/text";

export interface Span {
  text: string;
  /** `c1` to `c6` for the six colours, `bold`; empty for plain text. */
  look: string;
}

const COLOUR = /\u001b\[([0-9;]{0,32})m/g;

export function spans(text: string): Span[] {
  const found: Span[] = [];
  let look = "";
  let from = 0;
  const add = (piece: string) => {
    const seen = plain(piece);
    if (seen) found.push({ text: seen, look });
  };
  for (const match of text.matchAll(COLOUR)) {
    add(text.slice(from, match.index));
    from = match.index + match[0].length;
    look = after(look, (match[1] ?? "").split(";").map(Number));
  }
  add(text.slice(from));
  return found;
}

function after(look: string, codes: number[]): string {
  let [colour, bold] = [look.match(/c\d/)?.[0] ?? "", look.includes("bold")];
  for (const code of codes) {
    if (code === 0) [colour, bold] = ["", false];
    else if (code === 1) bold = true;
    else if (code === 22) bold = false;
    else if (code === 39) colour = "";
    else if ((code >= 31 && code <= 36) || (code >= 91 && code <= 96)) colour = `c${code % 10}`;
    // The codes after these belong to them.
    else if (code === 38 || code === 48) break;
  }
  return [colour, bold ? "bold" : ""].filter(Boolean).join(" ");
}
