/** What the Pods of a tree say. Pure. */

import type { Tree, TreeNode } from "./tree";

const podsOf = (tree: Tree | undefined): TreeNode[] => (tree?.nodes ?? []).filter((one) => one.kind === "Pod" && !one.group);

/** Healthy, and each of its containers ready: one that has done its work is healthy too, and serves nothing. */
function isReady(pod: TreeNode): boolean {
  if (pod.health?.status !== "Healthy") return false;
  const containers = pod.info?.find((one) => one.name === "Containers")?.value;
  const [ready, all] = containers?.split("/") ?? [];
  return ready === all;
}

export interface Serving {
  pods: number;
  ready: number;
  /** Of those that are ready, each once. */
  images: string[];
}

export function servingOf(tree: Tree): Serving {
  const pods = podsOf(tree);
  const ready = pods.filter(isReady);
  return { pods: pods.length, ready: ready.length, images: [...new Set(ready.flatMap((one) => one.images ?? []))] };
}

/** A Pod that does not start and says why: it waits for a person, however its owner still hopes. */
export const stuckOf = (tree: Tree | undefined): TreeNode | undefined => podsOf(tree).find((one) => one.health?.status === "Degraded" && !!one.health.message);
