/** The right thing to do now, one for each application. Pure. */

import { type Application, type HistoryEntry, isAutomated, sourcesOf } from "../model/application";
import { deployedOf, isDryRun, previousOf, revisionOfEntry, rolledBackOf } from "../model/deployed";
import { stuckOf } from "../model/pods";
import type { Tree } from "../model/tree";
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

export function adviceOf(app: Application, state: State, tree?: Tree): Advice {
  const before = previousOf(app);
  const operation = app.status?.operationState;
  if (isRunning(operation)) return { action: "terminate", label: "Stop the sync…", words: isDryRun(operation) ? "A sync is tried: nothing is changed." : "A sync is under way. Stopping it leaves what it has done." };
  switch (state.word) {
    case "Terminating":
      return { label: "", words: "It is being deleted. What holds it up is named above; nothing has to be done unless it stays." };
    case "Failed":
      return { action: "sync", label: "Try the sync again…", words: "The sync failed. Look at what it says, then try again." };
    case "Degraded":
      if (!before) return { label: "", words: "There is no earlier version to go back to: mend it in Git." };
      if (isAutomated(app))
        return { label: "", words: `${revertOf(app, before)} A rollback from here would be undone by automation.` };
      return { action: "rollback", label: "Roll back…", words: `The version before was ${shortRevision(revisionOfEntry(before))}. What would change is shown before it is done.`, to: before };
    case "Unknown":
      return { label: "", words: "It could not be compared. Mend what the message names; it is compared again by itself." };
    case "Missing":
    case "OutOfSync":
      if (rolledBackOf(app)) return { label: "", words: "A sync would deploy again what was rolled back: mend it in Git first." };
      return isAutomated(app)
        ? { action: "sync", label: "Sync…", words: "Automation deals with it; a sync now does not wait for that." }
        : { action: "sync", label: "Sync…", words: "Nobody syncs it by itself. The plan is shown before anything is done." };
    case "Suspended":
      return { label: "", words: "It waits for somebody to let it go on, where it was paused." };
    case "Progressing":
      return stuckOf(tree)
        ? { label: "", words: "A Pod does not start, and waiting alone may not mend it: see what it says above." }
        : { label: "", words: "It is on its way. Nothing has to be done yet." };
    case "Healthy":
      return { label: "", words: "Nothing has to be done." };
  }
}

/** How Git goes back. Of several commits that were deployed together none is known to be the one that did it. */
function revertOf(app: Application, before: HistoryEntry): string {
  const [then, now] = [shortRevision(revisionOfEntry(before)), shortRevision(revisionOfEntry(deployedOf(app)))];
  const [source, ...others] = sourcesOf(app);
  if (others.length || source?.chart) return `${now} was deployed after ${then}: go back where its revision is declared, or mend it.`;
  return `${now} was deployed after ${then}. If a commit between them did it (git log ${then}..${now}), revert that one: it is deployed by itself.`;
}
