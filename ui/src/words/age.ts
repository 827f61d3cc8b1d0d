/** Time as people say it. All instants are milliseconds since 1970, as `Date.parse` gives them. */

const UNITS: [number, string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** `6 min`, `3 d`: the largest unit that is whole. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  for (const [size, unit] of UNITS) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return "0 s";
}

/** `6 min ago`; nothing where there is no instant. */
export function ago(instant: string | undefined, now: number): string {
  const at = instant ? Date.parse(instant) : NaN;
  if (Number.isNaN(at)) return "";
  return now - at < 5_000 ? "just now" : `${span(now - at)} ago`;
}

/** The exact instant, for who hovers. */
export function exact(instant: string | undefined): string {
  const at = instant ? Date.parse(instant) : NaN;
  return Number.isNaN(at) ? "" : new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
}
