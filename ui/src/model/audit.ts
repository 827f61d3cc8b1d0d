/** Entries of the audit trail, by the fields' names there. */

import type { Look } from "../words/state";
import { brief, oneLine, shortRevision } from "../words/text";

export interface AuditEntry {
  id?: number;
  at?: string;
  action?: string;
  application?: string;
  object?: string;
  why?: string;
  by?: { name?: string; kind?: string; signer?: string; verified?: boolean; manager?: string };
  changes?: { path?: string; before?: string; after?: string }[];
  revision?: string;
  result?: string;
  message?: string;
}

export const ACTIONS = ["seen-commit", "sync-started", "sync-finished", "applied", "pruned", "hook", "drifted", "healed", "health", "image-update", "rollback", "deleted", "error", "request"] as const;

/** Who did it, and how far that can be believed. */
export function actorInWords({ by }: AuditEntry): string {
  if (!by?.name) return by?.kind === "engine" ? "the engine" : "";
  const name = brief(by.name, 80);
  switch (by.kind) {
    case "engine":
      return "the engine";
    case "author":
      return by.verified ? `${name} (signed)` : `${name} (unsigned)`;
    case "user":
      return by.manager ? `${name} (claimed, written by ${brief(by.manager, 40)})` : `${name} (claimed)`;
    case "manager":
      return `${name} (claimed)`;
    default:
      return name;
  }
}

export function lookOfEntry({ action, result }: AuditEntry): Look {
  if (action === "error" || /fail|error|refused|denied/i.test(result ?? "")) return "bad";
  if (action === "drifted" || action === "pruned" || action === "deleted") return "warn";
  if (action === "sync-started") return "run";
  if (action === "healed" || action === "sync-finished" || action === "applied") return "ok";
  return "none";
}

/** What happened, in a line. */
export function entryInWords(entry: AuditEntry): string {
  const object = entry.object ? brief(entry.object.split("/").filter(Boolean).slice(-3).join(" "), 120) : "";
  const changes = (entry.changes ?? []).slice(0, 2).map((one) => `${brief(one.path ?? "", 80)} ${brief(one.before || "nothing", 40)} → ${brief(one.after || "nothing", 40)}`);
  return [object, changes.join(", "), entry.revision ? shortRevision(entry.revision) : "", oneLine(entry.message ?? "", 200)].filter(Boolean).join(" · ");
}
