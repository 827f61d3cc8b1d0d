/** Parameters of a source as lines of text, and back. Pure. */

import { parseDocument } from "yaml";
import type { Source } from "../model/application";
import { yaml } from "../words/yaml";

/** `name=value` lines that are no such lines, and other faults, are told by their line. */
export class Unreadable extends Error {}

export interface HelmLines {
  parameters: string;
  values: string;
}

export interface KustomizeLines {
  images: string;
  replicas: string;
  namePrefix: string;
  nameSuffix: string;
}

export function helmLines({ helm = {} }: Source): HelmLines {
  return {
    parameters: (helm.parameters ?? []).map((one) => `${one.name ?? ""}=${one.value ?? ""}`).join("\n"),
    values: helm.valuesObject && Object.keys(helm.valuesObject).length ? yaml(helm.valuesObject) : (helm.values ?? ""),
  };
}

/** @throws Unreadable with the line that is none. */
export function withHelm(source: Source, lines: HelmLines): Source {
  const before = new Map((source.helm?.parameters ?? []).map((one) => [one.name, one]));
  const parameters = pairs(lines.parameters, "Parameters").map(([name, value]) => {
    // Whether a value is text whatever it looks like is said elsewhere, and stays.
    const known = before.get(name);
    return known?.forceString ? { name, value, forceString: true } : { name, value };
  });
  const { parameters: _p, values: _v, valuesObject: _o, ...rest } = source.helm ?? {};
  const values = valuesOf(lines.values);
  return tidy(source, "helm", { ...rest, ...(parameters.length ? { parameters } : {}), ...(values ? { valuesObject: values } : {}) });
}

export function kustomizeLines({ kustomize = {} }: Source): KustomizeLines {
  return {
    images: (kustomize.images ?? []).join("\n"),
    replicas: (kustomize.replicas ?? []).map((one) => `${one.name ?? ""}=${one.count ?? ""}`).join("\n"),
    namePrefix: kustomize.namePrefix ?? "",
    nameSuffix: kustomize.nameSuffix ?? "",
  };
}

/** @throws Unreadable with the line that is none. */
export function withKustomize(source: Source, lines: KustomizeLines): Source {
  const images = linesOf(lines.images);
  const replicas = pairs(lines.replicas, "Replicas").map(([name, count]) => {
    if (!/^\d{1,9}$/.test(count)) throw new Unreadable(`Replicas: ${name} needs a number, not “${count}”.`);
    return { name, count: Number(count) };
  });
  const { images: _i, replicas: _r, namePrefix: _p, nameSuffix: _s, ...rest } = source.kustomize ?? {};
  const { namePrefix, nameSuffix } = lines;
  return tidy(source, "kustomize", { ...rest, ...(images.length ? { images } : {}), ...(replicas.length ? { replicas } : {}), ...(namePrefix ? { namePrefix } : {}), ...(nameSuffix ? { nameSuffix } : {}) });
}

function tidy(source: Source, key: "helm" | "kustomize", value: object): Source {
  const { [key]: _, ...rest } = source;
  return Object.keys(value).length ? { ...rest, [key]: value } : rest;
}

const linesOf = (text: string): string[] => text.split("\n").map((line) => line.trim()).filter(Boolean);

function pairs(text: string, what: string): [string, string][] {
  const seen = new Set<string>();
  return linesOf(text).map((line) => {
    const at = line.indexOf("=");
    const name = line.slice(0, at).trim();
    if (at < 1 || !name) throw new Unreadable(`${what}: “${line.slice(0, 60)}” is no name=value.`);
    if (seen.has(name)) throw new Unreadable(`${what}: ${name} comes twice.`);
    seen.add(name);
    return [name, line.slice(at + 1).trim()];
  });
}

function valuesOf(text: string): Record<string, unknown> | undefined {
  if (!text.trim()) return undefined;
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw new Unreadable(`Values: ${error.message.split("\n", 1)[0]}`);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 50 });
  } catch (fault) {
    throw new Unreadable(`Values: ${(fault as Error).message}`);
  }
  if (value === null || value === undefined) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) throw new Unreadable("Values: they are a map, name: value.");
  return value as Record<string, unknown>;
}

/** Lines with one more; one of the same name stays. */
export function withLine(text: string, line: string): string {
  const name = line.split("=", 1)[0];
  return linesOf(text).some((one) => one.split("=", 1)[0]?.trim() === name) ? text : [text.trimEnd(), line].filter(Boolean).join("\n");
}
