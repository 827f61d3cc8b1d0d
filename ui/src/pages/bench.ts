/** Whether a role of a project may do something, and by which of its lines. The server decides by the same lines, and by those of argocd-rbac-cm. Pure. */

import { like } from "../filter/grammar";
import type { Project } from "../model/project";

export interface Question {
  resource: string;
  action: string;
  object: string;
}

export interface Verdict {
  allowed: boolean;
  /** The line that decides; empty where none speaks of it. */
  line: string;
}

export const RESOURCES = ["applications", "applicationsets", "repositories", "clusters", "logs", "exec"] as const;
export const ACTIONS = ["get", "create", "update", "delete", "sync", "override", "action/*"] as const;

/** `p, proj:shop:deployer, applications, sync, shop/*, allow` as its parts; undefined for a line that is none. */
function readPolicy(line: string): string[] | undefined {
  const parts = line.split(",").map((part) => part.trim());
  return parts.length === 6 && parts[0] === "p" ? parts : undefined;
}

export function mayRole(project: Project, role: string, { resource, action, object }: Question): Verdict {
  const subject = `proj:${project.metadata.name}:${role}`;
  const lines = project.spec?.roles?.find((one) => one.name === role)?.policies ?? [];
  const fits = lines.filter((line) => {
    const parts = readPolicy(line);
    return parts && parts[1] === subject && like(resource, parts[2] ?? "") && like(action, parts[3] ?? "") && like(object, parts[4] ?? "");
  });
  // One that denies wins over all that allow.
  const deny = fits.find((line) => readPolicy(line)?.[5] === "deny");
  if (deny) return { allowed: false, line: deny };
  const allow = fits.find((line) => readPolicy(line)?.[5] === "allow");
  return { allowed: !!allow, line: allow ?? "" };
}
