/** Images that run, by repository: which versions, and of which applications. Pure, from the replica. */

import type { Row } from "../replica/replica";
import { compare } from "../words/state";

export interface Version {
  /** A tag, or a digest. */
  tag: string;
  apps: Row[];
}

export interface ImageUse {
  repository: string;
  /** Those of most applications first. */
  versions: Version[];
  apps: number;
}

/** Where an image is, and which of it: a colon before the last slash is a port's. */
export function imageParts(image: string): [repository: string, tag: string] {
  const digest = image.indexOf("@");
  const bare = digest < 0 ? image : image.slice(0, digest);
  const colon = bare.lastIndexOf(":");
  const tagged = colon > bare.lastIndexOf("/");
  const repository = tagged ? bare.slice(0, colon) : bare;
  const tag = tagged ? bare.slice(colon + 1) : "";
  return [repository, [tag, digest < 0 ? "" : image.slice(digest + 1)].filter(Boolean).join("@") || "latest"];
}

export function imagesOf(rows: Iterable<Row>): ImageUse[] {
  const found = new Map<string, Map<string, Row[]>>();
  for (const row of rows)
    for (const image of new Set(row.app.status?.summary?.images ?? [])) {
      const [repository, tag] = imageParts(image);
      const versions = found.get(repository) ?? new Map<string, Row[]>();
      found.set(repository, versions.set(tag, [...(versions.get(tag) ?? []), row]));
    }
  return [...found]
    .map(([repository, versions]) => ({
      repository,
      versions: [...versions].map(([tag, apps]) => ({ tag, apps })).sort((a, b) => b.apps.length - a.apps.length || compare(a.tag, b.tag)),
      apps: new Set([...versions.values()].flat()).size,
    }))
    .sort((a, b) => b.versions.length - a.versions.length || b.apps - a.apps || compare(a.repository, b.repository));
}
