/** The replica of this page, over the server's list and stream. */

import { computed } from "@preact/signals";
import type { Application } from "../model/application";
import { CHANGED } from "../model/changed";
import { parentsOf } from "../model/parents";
import { api } from "../net/client";
import { events } from "../net/lines";
import { type Change, Replica } from "./replica";

// What the pages read. Annotations are not: one of them may have megabytes, and thousands of applications are listed.
const FIELDS = [
  ...["name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "finalizers", "labels", "ownerReferences"].map(
    (one) => `metadata.${one}`,
  ),
  // The dots of its name are no dots of the path.
  `metadata.annotations.${CHANGED.replaceAll(".", "\\.")}`,
  "spec",
  "operation",
  ...["sync", "health", "conditions", "operationState", "history", "resources", "reconciledAt", "sourceType", "sourceTypes", "summary"].map(
    (one) => `status.${one}`,
  ),
];

export const fleet = new Replica(
  {
    async list(signal) {
      const fields = ["metadata.resourceVersion", ...FIELDS.map((one) => `items.${one}`)].join(",");
      const told = await api<{ items?: Application[] | null; metadata?: { resourceVersion?: string } }>("/v1/applications", {
        query: { fields },
        signal,
      });
      return { items: told.items ?? [], version: told.metadata?.resourceVersion ?? "" };
    },
    async *watch(from, signal, heard) {
      const fields = ["result.type", "error", ...FIELDS.map((one) => `result.application.${one}`)].join(",");
      const [resourceVersion, token] = "token" in from ? [undefined, from.token] : [from.version, ""];
      const stream = events<Change>("/v1/stream/applications", { query: { resourceVersion, fields }, signal }, { token, heard });
      for await (const { value, token: place } of stream) yield { ...value, token: place };
    },
    pause: (milliseconds, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
        // Somebody comes back to the page, or the machine to its network: now is a good time.
        window.addEventListener("online", () => resolve(), { once: true, signal });
      }),
    now: () => Date.now(),
  },
  (flush) => setTimeout(flush, 100),
);

/** The key of its parent by that of each application that another one makes. */
export const parents = computed(() => parentsOf(fleet.rows.value.values()));
