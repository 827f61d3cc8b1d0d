import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { difference } from "./difference";
import { ofState, yaml } from "./yaml";

const text = fc.array(fc.constantFrom("a: 1", "b: 2", "c: three", "", "  d: four"), { maxLength: 40 }).map((lines) => lines.join("\n"));

describe("a difference", () => {
  it("takes one text apart into the other: what is folded is as long as what is left out", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = difference(before, after) ?? [];
        const length = (side: "old" | "new") => lines.reduce((sum, line) => sum + (line.is === "folded" ? line.count : line.is === "same" || line.is === side ? 1 : 0), 0);
        const count = (one: string) => (one ? one.replace(/\n$/, "").split("\n").length : 0);
        expect([length("old"), length("new")]).toEqual([count(before), count(after)]);
        if (before === after) expect(lines.every((line) => line.is === "folded" || line.is === "same")).toBe(true);
      }),
    );
  });
  it("marks the word that is another", () => {
    expect(difference("image: web:1.8\n", "image: web:1.9\n")?.map((line) => (line.is === "folded" ? [] : line.pieces.filter((piece) => piece.differs).map((piece) => piece.text)))).toEqual([["8"], ["9"]]);
  });
  it("of what is too large for a page is none", () => {
    expect(difference("x".repeat(500_000), "y")).toBeUndefined();
  });
});

describe("an object as YAML", () => {
  it.each([
    [{ a: 1, b: [{ c: true, d: ["x"] }], e: {}, f: [] }, "a: 1\nb:\n- c: true\n  d:\n  - x\ne: {}\nf: []"],
    [{ image: "web:1.9", yes: "yes", number: "12", empty: "", nothing: null }, 'image: web:1.9\n"yes": "yes"\nnumber: "12"\nempty: ""\nnothing: null'],
    [{ text: "a\nb\n", end: "a\nb" }, "text: |\n  a\n  b\nend: |-\n  a\n  b"],
    [{ odd: " a: b # c", bell: "\u0007\n" }, 'odd: " a: b # c"\nbell: "\\u0007\\n"'],
  ])("%j", (value, expected) => {
    expect(yaml(value)).toBe(expected);
  });
  it("that is none is empty, and what is no JSON is shown as it is", () => {
    expect([ofState("null"), ofState(undefined), ofState("{")]).toEqual(["", "", "{"]);
  });
  it("shows any value, and of an endless one so many lines", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => void expect(typeof yaml(value)).toBe("string")));
    expect(yaml(Array.from({ length: 100_000 }, (_, at) => ({ at }))).split("\n").length).toBeLessThan(25_000);
  });
});
