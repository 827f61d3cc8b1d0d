import { useMemo } from "preact/hooks";
import { difference } from "../words/difference";
import { count, plain } from "../words/text";

const WIDEST = 2_000;
const MOST = 3_000;

/** A line's text as it is shown: what hides is named, and what is endless is cut. */
const shown = (text: string): string => (text.length > WIDEST ? `${plain(text.slice(0, WIDEST))}… (${count(text.length, "letter")})` : plain(text));

/** What differs, word by word; lines that are equal are folded. */
export function Difference({ before, after, same = "They are the same." }: { before: string; after: string; same?: string }) {
  const lines = useMemo(() => difference(before, after), [before, after]);
  if (!lines) return <p class="dim pad">Too large to be compared here: {count(before.length + after.length, "letter")}. The command line does: trueup app diff.</p>;
  if (!lines.some((line) => line.is === "old" || line.is === "new")) return <p class="dim pad">{same}</p>;
  return (
    <div class="diff" role="group" aria-label="Difference" tabIndex={0}>
      {lines.slice(0, MOST).map((line, at) =>
        line.is === "folded" ? (
          <div key={at} class="folded">
            {count(line.count, "equal line")}
          </div>
        ) : (
          <div key={at} class={line.is}>
            <span class="sign">{line.is === "old" ? "-" : line.is === "new" ? "+" : " "}</span>
            {line.pieces.map((piece, index) => (piece.differs ? <mark key={index}>{shown(piece.text)}</mark> : shown(piece.text)))}
          </div>
        ),
      )}
      {lines.length > MOST && <div class="folded">{count(lines.length - MOST, "more line")}</div>}
    </div>
  );
}

/** A whole text. */
export function Whole({ text, none }: { text: string; none: string }) {
  if (!text) return <p class="dim pad">{none}</p>;
  const lines = text.slice(0, 2_000_000).split("\n");
  return (
    <div class="diff" role="group" aria-label="Text of the object" tabIndex={0}>
      {lines.slice(0, MOST).map((line, at) => (
        <div key={at}>{shown(line) || " "}</div>
      ))}
      {lines.length > MOST && <div class="folded">{count(lines.length - MOST, "more line")}</div>}
    </div>
  );
}
