import fc from "fast-check";
import { afterEach, expect, it, vi } from "vitest";
import { ApiError } from "./client";
import { events, split } from "./lines";
import { tops, within } from "../parts/Virtual";
import { cell } from "../fleet/HealthMap";

it("lines of a stream are the same wherever its pieces are cut, within a letter too", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: "grapheme" }).map((line) => line.replace(/\n/g, ""))), fc.array(fc.nat(200)), async (lines, cuts) => {
      const bytes = new TextEncoder().encode(lines.join("\n"));
      const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let index = 1; index < at.length; index++) controller.enqueue(bytes.slice(at[index - 1], at[index]));
          controller.close();
        },
      });
      const read: string[] = [];
      for await (const line of split(body)) read.push(line);
      expect(read).toEqual(lines.filter((line) => line.trim()));
    }),
  );
});

const answered = (text: string) => vi.stubGlobal("fetch", vi.fn(async (_url: string, how: RequestInit) => (how.signal?.throwIfAborted(), new Response(text))));
afterEach(() => void vi.unstubAllGlobals());

it("events come with their place, and what ends a stream is what the server said", async () => {
  answered(':\n\nid: e.4\ndata: {"result": 1}\n\n:\n\ndata: {"result": 2}\n\nid: e.5\ndata: {"error": {"http_code": 409, "grpc_code": 10, "message": "list again"}}\n\n');
  const told: unknown[] = [];
  let heard = 0;
  const reading = (async () => {
    for await (const one of events("/v1/stream/applications", {}, { token: "e.3", heard: () => heard++ })) told.push(one);
  })();
  await expect(reading).rejects.toMatchObject({ message: "list again", outdated: true });
  expect(told).toEqual([{ value: 1, token: "e.4" }, { value: 2, token: "e.4" }]);
  expect(heard).toBeGreaterThan(0);
  expect(vi.mocked(fetch).mock.calls[0]?.[1]?.headers).toEqual({ Accept: "text/event-stream", "Last-Event-ID": "e.3" });
});

it("a stream that is silent for too long is cut off, and says so", async () => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (_url: string, { signal }: RequestInit) => new Response(new ReadableStream({ start: (controller) => signal?.addEventListener("abort", () => controller.error(new DOMException("", "AbortError"))) })));
  const reading = events("/v1/stream/applications").next().catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await reading).toEqual(new ApiError(0, "The server has said nothing for a while"));
  vi.useRealTimers();
});

it("the window of a long list has every row that can be seen, and at most one more at each end", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 120 })), fc.integer({ min: -500, max: 5_000 }), fc.nat(900), (heights, top, size) => {
      const offsets = tops(heights);
      const [first, end] = within(offsets, top, top + size);
      heights.forEach((height, at) => {
        const seen = (offsets[at] as number) < top + size && (offsets[at] as number) + height > top;
        if (seen) expect(at >= first && at < end).toBe(true);
        if (at >= first && at < end) expect((offsets[at] as number) + height > top).toBe(true);
      });
      expect(first >= 0 && end <= heights.length && first <= end).toBe(true);
    }),
  );
});

it("squares of thousands of applications fit the map, those of few are large", () => {
  expect([cell(10, 1_000).size, cell(300, 1_100).size]).toEqual([12, 12]);
  const { size, gap, columns } = cell(5_000, 1_100);
  expect(Math.ceil(5_000 / columns) * (size + gap)).toBeLessThanOrEqual(120);
});
