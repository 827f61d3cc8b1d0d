import type { Health, ObjectRef } from "./application";

/** What the resource tree says of one object. */
export interface TreeNode extends ObjectRef {
  parentRefs?: ObjectRef[];
  health?: Health;
  info?: { name?: string; value?: string }[];
  images?: string[];
  createdAt?: string;
}

export interface Tree {
  nodes?: TreeNode[] | null;
  orphanedNodes?: TreeNode[] | null;
}

export interface ManagedObject extends ObjectRef {
  liveState?: string;
  targetState?: string;
  normalizedLiveState?: string;
  predictedLiveState?: string;
  modified?: boolean;
  hook?: boolean;
}

/** An object as an address: group, kind, namespace and name. */
export const refOf = (one: ObjectRef): string => [one.group ?? "", one.kind ?? "", one.namespace ?? "", one.name ?? ""].map(encodeURIComponent).join("/");

export function readRef(text: string): Required<Pick<ObjectRef, "group" | "kind" | "namespace" | "name">> {
  const [group = "", kind = "", namespace = "", name = ""] = text.split("/").map(decoded);
  return { group, kind, namespace, name };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Half an escape in an address that somebody has cut: the text as it is names nothing, and says so.
    return text;
  }
}
