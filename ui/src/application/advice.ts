/** The right thing to do now, one for each application. Pure. */

import { type Application, type HistoryEntry, isAutomated, revisionOf } from "../model/application";
import type { State } from "../words/state";
import { isRunning } from "../words/state";
import { shortRevision } from "../words/text";

export interface Advice {
  /** What the button says; none where a button cannot do it. */
  action?: "sync" | "rollback" | "terminate";
  label: string;
  /** The same as a sentence. */
  words: string;
  /** The entry of the history to go back to. */
  to?: HistoryEntry;
}

/** The entry before the one that serves, if there was one. */
export function previousOf(app: Application): HistoryEntry | undefined {
  const history = app.status?.history ?? [];
  const current = revisionOf(app);
  return [...history].reverse().find((entry) => entry.revision && entry.revision !== current);
}

export function adviceOf(app: Application, state: State): Advice {
  const before = previousOf(app);
  const operation = app.status?.operationState;
  if (isRunning(operation)) return { action: "terminate", label: "Stop the sync…", words: "A sync is under way. Stopping it leaves what it has done." };
  switch (state.word) {
    case "Terminating":
      return { label: "", words: "It is being deleted. What holds it up is named above; nothing has to be done unless it stays." };
    case "Failed":
      return { action: "sync", label: "Try the sync again…", words: "The sync failed. Look at what it says, then try again." };
    case "Degraded":
      if (!before) return { label: "", words: "There is no earlier version to go back to: mend it in Git." };
      if (isAutomated(app))
        return { label: "", words: `Go back by a commit: git revert ${shortRevision(revisionOf(app))}. It is deployed by itself. A rollback from here would be undone by automation.` };
      return { action: "rollback", label: "Roll back…", words: `The version before was ${shortRevision(before.revision ?? "")}. What would change is shown before it is done.`, to: before };
    case "Unknown":
      return { label: "", words: "It could not be compared. Mend what the message names; it is compared again by itself." };
    case "Missing":
    case "OutOfSync":
      return isAutomated(app)
        ? { action: "sync", label: "Sync…", words: "Automation deals with it; a sync now does not wait for that." }
        : { action: "sync", label: "Sync…", words: "Nobody syncs it by itself. The plan is shown before anything is done." };
    case "Suspended":
      return { label: "", words: "It waits for somebody to let it go on, where it was paused." };
    case "Progressing":
      return { label: "", words: "It is on its way. Nothing has to be done yet." };
    case "Healthy":
      return { label: "", words: "Nothing has to be done." };
  }
}
