/** Strangers' text on its way to the screen: always text, and only what can be seen. */

// Escape sequences of terminals: CSI, OSC to its end, and the two-letter ones.
const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;
// Control characters, and those that turn the direction of what follows or cannot be seen.
// eslint-disable-next-line no-control-regex
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** The longest text that a sentence shows; pages that show whole values say how much they leave out. */
export const LONG = 300;

/** Text with what cannot be seen named: a right-to-left override reads `‹U+202E›`. */
export function plain(text: string): string {
  return text
    .replace(ANSI, "")
    .replace(HIDDEN, (letter) => (letter === "\r" ? "" : `‹U+${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}›`));
}

/** `plain`, cut to a length with its middle kept short: what stands at the end of a name often tells it apart. */
export function brief(text: string, length = LONG): string {
  // Cut first: a value of ten megabytes is not searched for what is shown of three hundred letters.
  const seen = plain(text.slice(0, length * 4));
  return seen.length <= length && text.length <= length * 4 ? seen : `${seen.slice(0, length - 1)}…`;
}

/** One line: the first of several, its spaces made one. */
export function oneLine(text: string, length = LONG): string {
  return brief(text.slice(0, length * 8).replace(/\s+/g, " ").trim(), length);
}

/** The subject of a commit. */
export const firstLine = (text = ""): string => oneLine(text.trimStart().split("\n", 1)[0] ?? "", 120);

export const shortRevision = (revision: string): string =>
  /^[0-9a-f]{40,64}$/.test(revision) ? revision.slice(0, 7) : brief(revision, 24);

export const count = (number: number, noun: string, several = `${noun}s`): string =>
  `${number.toLocaleString("en")} ${number === 1 ? noun : several}`;

/** `a, b and 3 more`. */
export function some(names: string[], shown = 2): string {
  const rest = names.length - shown;
  return rest <= 0 ? names.join(", ") : `${names.slice(0, shown).join(", ")} and ${rest} more`;
}
