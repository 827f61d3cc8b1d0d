import type { Meta } from "./application";

/** What a project permits, by the fields' names. */
export interface Project {
  metadata: Meta;
  spec?: {
    description?: string;
    sourceRepos?: string[];
    destinations?: { server?: string; name?: string; namespace?: string }[];
    clusterResourceWhitelist?: { group?: string; kind?: string }[];
    namespaceResourceBlacklist?: { group?: string; kind?: string }[];
    roles?: { name?: string; description?: string; policies?: string[]; groups?: string[] }[];
    syncWindows?: { kind?: string; schedule?: string; duration?: string; applications?: string[]; timeZone?: string }[];
  };
}
