/** What is going on, as a sentence and a dimmer second line. */

import { type Application, type Initiator, isAutomated, objectName, type ResourceStatus, revisionOf, sourcesOf } from "../model/application";
import { rolledBackOf } from "../model/deployed";
import { errorsOf, isRunning, type State, stateOf } from "./state";
import { brief, count, oneLine, shortRevision, some } from "./text";

export interface Reason {
  sentence: string;
  detail: string;
}

const kindAndName = (one: ResourceStatus): string => `${brief(one.kind ?? "", 40)} ${brief(objectName(one), 60)}`;

export function reasonOf(app: Application, state: State = stateOf(app)): Reason {
  const { sentence, detail } = tell(app, state);
  // Whatever it was made of, it is one line of what can be seen.
  return { sentence: oneLine(sentence), detail: oneLine(detail) };
}

function tell(app: Application, state: State): Reason {
  switch (state.word) {
    case "Terminating":
      return terminating(app);
    case "Failed":
      return failed(app);
    case "Degraded":
      return degraded(app);
    case "Unknown":
      return unknown(app);
    case "Missing":
      return missing(app);
    case "OutOfSync":
      return outOfSync(app);
    case "Suspended":
      return ofHealth(app, "Suspended", "Suspended: somebody has to let it go on");
    case "Progressing":
      return progressing(app);
    case "Healthy":
      return healthy(app);
  }
}

function terminating(app: Application): Reason {
  const objects = app.status?.resources?.length ?? 0;
  const held = app.metadata.finalizers ?? [];
  return {
    sentence: objects ? `Being deleted, ${count(objects, "object")} left` : "Being deleted",
    detail: held.length ? `finalizers still there: ${oneLine(some(held), 120)}` : "no finalizer is in the way",
  };
}

function failed(app: Application): Reason {
  const operation = app.status?.operationState;
  const results = operation?.syncResult?.resources ?? [];
  const culprit = results.find((one) => one.status === "SyncFailed" || one.hookPhase === "Failed" || one.hookPhase === "Error");
  const revision = shortRevision(operation?.syncResult?.revision ?? revisionOf(app));
  const tries = Number(operation?.retryCount ?? 0);
  const where = culprit ? kindAndName(culprit) : `Sync${revision ? ` to ${revision}` : ""}`;
  return {
    sentence: `${culprit?.hookType ? `${culprit.hookType} hook failed` : "Sync failed"}: ${oneLine(words(culprit?.message || operation?.message || "no reason given"))}`,
    detail: [where, tries ? `tried ${count(tries + 1, "time")}` : ""].filter(Boolean).join(" · "),
  };
}

function degraded(app: Application): Reason {
  const ill = (app.status?.resources ?? []).filter((one) => one.health?.status === "Degraded");
  const told = ill.find((one) => one.health?.message) ?? ill[0];
  const message = told?.health?.message || app.status?.health?.message;
  return {
    sentence: message ? oneLine(words(message)) : ill.length ? `${count(ill.length, "object")} not working` : "An object does not work",
    detail: ill.length ? some(ill.map(kindAndName)) : "no object says why",
  };
}

function unknown(app: Application): Reason {
  const error = errorsOf(app)[0];
  const reads = sourcesOf(app)[0]?.repoURL ?? "";
  if (!error) return { sentence: "Not compared with Git", detail: "the engine has not said why" };
  return { sentence: oneLine(words(error.message ?? error.type ?? "")), detail: `${error.type}${reads ? ` · ${oneLine(reads, 80)}` : ""}` };
}

function missing(app: Application): Reason {
  const gone = (app.status?.resources ?? []).filter((one) => one.health?.status === "Missing");
  const waits = isAutomated(app) ? "automation will create them" : "created by the next sync";
  return {
    sentence: gone.length ? `${count(gone.length, "object is", "objects are")} not in the cluster` : "Its objects are not in the cluster",
    detail: [gone.length ? some(gone.map(kindAndName)) : "", waits].filter(Boolean).join(" · "),
  };
}

function outOfSync(app: Application): Reason {
  const differing = (app.status?.resources ?? []).filter((one) => one.status === "OutOfSync");
  const pruned = differing.filter((one) => one.requiresPruning).length;
  const warning = (app.status?.conditions ?? []).find((one) => one.type?.endsWith("Warning"));
  const back = rolledBackOf(app);
  const gone = differing.filter((one) => one.health?.status === "Missing").length;
  const differs =
    gone === differing.length && gone
      ? count(gone, "object is not in the cluster", "objects are not in the cluster")
      : pruned === differing.length && pruned
      ? `${count(pruned, "object")} no longer in Git`
      : `${differing.length ? count(differing.length, "object differs", "objects differ") : "The cluster differs"} from Git`;
  return {
    sentence: warning ? oneLine(warning.message ?? "") : back ? `Rolled back to ${shortRevision(back.to)} by ${byWhom(back.by)}` : `${differs}${isAutomated(app) ? "" : ", waiting for a sync"}`,
    detail: differing.length ? some(differing.map(kindAndName)) : "no object named",
  };
}

/** Who asked for it, in words. */
export const byWhom = (who: Initiator | undefined): string => (who?.automated ? "automation" : who?.username ? oneLine(who.username, 60) : "somebody");

function progressing(app: Application): Reason {
  const operation = app.status?.operationState;
  if (isRunning(operation)) {
    const done = operation?.syncResult?.resources?.length ?? 0;
    return {
      sentence: oneLine(operation?.message || "Syncing"),
      detail: [`sync to ${shortRevision(operation?.syncResult?.revision ?? revisionOf(app)) || "Git"}`, done ? `${count(done, "object")} so far` : ""]
        .filter(Boolean)
        .join(" · "),
    };
  }
  if (!app.status?.sync?.status) return { sentence: "Waiting for its first comparison", detail: "" };
  return ofHealth(app, "Progressing", "Getting ready");
}

function ofHealth(app: Application, status: string, otherwise: string): Reason {
  const such = (app.status?.resources ?? []).filter((one) => one.health?.status === status);
  const told = such.find((one) => one.health?.message);
  return { sentence: told ? oneLine(words(told.health?.message ?? "")) : otherwise, detail: some(such.map(kindAndName)) };
}

function healthy(app: Application): Reason {
  const warning = (app.status?.conditions ?? []).find((one) => one.type?.endsWith("Warning"));
  const objects = count(app.status?.resources?.length ?? 0, "object");
  if (warning) return { sentence: oneLine(warning.message ?? ""), detail: `${warning.type} · ${objects}` };
  const images = app.status?.summary?.images?.length ?? 0;
  return { sentence: "Synced", detail: images ? `${objects}, ${count(images, "image")}` : objects };
}

const IMAGE = /image "?([\w./:@-]{1,200})"?/;

/** Which image a message says cannot be pulled. */
export function imageNotPulled(message: string): string {
  const start = message.slice(0, 2_000);
  if (!/ImagePullBackOff|ErrImagePull|InvalidImageName|[Pp]ulling image|pull image|manifest unknown/.test(start)) return "";
  return IMAGE.exec(start)?.[1] ?? "";
}

/** What Kubernetes says, as a person would. */
export function words(message: string): string {
  const image = imageNotPulled(message);
  if (image) return `Image cannot be pulled: ${image.slice(image.lastIndexOf("/") + 1)}`;
  return message.replace(/^rpc error: code = \w+ desc = /, "");
}
