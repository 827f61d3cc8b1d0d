import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Facts, KEYS, type Key, like, matches, parse, print, type Term, toggled } from "./grammar";

const value = fc.oneof(fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }), fc.constantFrom("web", "a b", '"', "\\", "!x", "project:x", "*"));
const term: fc.Arbitrary<Term> = fc.record({ key: fc.constantFrom<Key>(...KEYS, "text"), value, not: fc.boolean() });
const facts: fc.Arbitrary<Facts> = fc.record({
  text: fc.string(),
  project: fc.constantFrom("shop", "bank"),
  cluster: fc.constantFrom("eu", "us"),
  ns: fc.string(),
  labels: fc.dictionary(fc.constantFrom("team", "tier"), fc.constantFrom("web", "api")),
  health: fc.constantFrom("Healthy", "Degraded"),
  sync: fc.constantFrom("Synced", "OutOfSync"),
  auto: fc.constantFrom("yes", "no"),
  state: fc.string(),
  repo: fc.string(),
  cause: fc.string(),
  fav: fc.constantFrom("yes", "no"),
});

describe("the search line", () => {
  it("what is printed reads as it was", () => {
    fc.assert(fc.property(fc.array(term), (terms) => void expect(parse(print(terms))).toEqual(terms)));
  });

  it("every line can be read, and what is read of it stays the same when it is printed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (line) => {
        const terms = parse(line);
        expect(parse(print(terms))).toEqual(terms);
      }),
    );
  });

  it("`!` before a term takes exactly those that the term lets through", () => {
    fc.assert(fc.property(facts, term, (one, { key, value }) => void expect(matches(one, [{ key, value, not: true }])).toBe(!matches(one, [{ key, value, not: false }]))));
  });

  it("terms of one key mean any of them, another key narrows down", () => {
    fc.assert(
      fc.property(facts, (one) => {
        expect(matches(one, parse("project:shop project:bank"))).toBe(true);
        expect(matches(one, parse("project:shop cluster:eu"))).toBe(one.project === "shop" && one.cluster === "eu");
      }),
    );
  });

  it("a term put in twice is out again", () => {
    fc.assert(fc.property(fc.uniqueArray(term, { selector: (one) => JSON.stringify(one) }), term, (terms, one) => {
      const line = print(terms.filter((other) => JSON.stringify(other) !== JSON.stringify(one)));
      expect(parse(toggled(toggled(line, one), one))).toEqual(parse(line));
    }));
  });

  it.each([
    ["project:shop", { key: "project", value: "shop", not: false }],
    ["!health:Healthy", { key: "health", value: "Healthy", not: true }],
    ['label:"team=the web"', { key: "label", value: "team=the web", not: false }],
    ["http://x", { key: "text", value: "http://x", not: false }],
    ['"project:shop"', { key: "text", value: "project:shop", not: false }],
  ])("%s", (line, read) => {
    expect(parse(line)).toEqual([read]);
  });

  it("an empty value narrows nothing down, so that a line can be typed", () => {
    expect(parse("project: ! health:")).toEqual([]);
  });

  it.each([
    ["shop", "SHOP", true],
    ["shop-eu", "shop-*", true],
    ["shop-eu", "*-eu", true],
    ["shop-eu", "s*p*u", true],
    ["aba", "ab*ba", false],
    ["shop", "sho", false],
    ["", "*", true],
  ])("%j is like %j: %s", (text, pattern, is) => {
    expect(like(text, pattern)).toBe(is);
  });

  it("labels are asked by name, or by name and value", () => {
    const one = { ...(fc.sample(facts, 1)[0] as Facts), labels: { team: "web" } };
    expect(["label:team", "label:team=web", "label:team=w*", "label:team=api", "label:tier"].map((line) => matches(one, parse(line)))).toEqual([true, true, true, false, false]);
  });
});
