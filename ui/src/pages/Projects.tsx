import { Link } from "wouter";
import type { Project } from "../model/project";
import { Card, Table } from "../parts/parts";
import { brief, count, some } from "../words/text";
import { Bench } from "./Bench";
import { itemsOf, Listing, useAsked } from "./listing";

const destinations = (project: Project): string[] =>
  (project.spec?.destinations ?? []).map((one) => `${any(one.name || one.server, "cluster")} / ${any(one.namespace, "namespace")}`);

/** `*` as a word. */
const any = (pattern: string | undefined, noun: string): string => (!pattern || pattern === "*" ? `any ${noun}` : pattern);

const repositories = (project: Project): string[] => (project.spec?.sourceRepos ?? []).map((one) => any(one, "repository"));

const kinds = (list: { group?: string; kind?: string }[] | undefined): string => (list ?? []).map((one) => (one.group ? `${one.group}/${one.kind}` : one.kind)).join(", ");

export function Projects({ name }: { name?: string | undefined }) {
  const asked = itemsOf(useAsked<{ items?: Project[] | null }>("/v1/projects"));
  const one = name ? asked.value?.find((project) => project.metadata.name === name) : undefined;
  return (
    <>
      <Listing title="Projects" lead="What applications may use: repositories, destinations, kinds, and who may do what." asked={asked} empty={<p>Without a project no application is deployed. The project “default” permits everything.</p>}>
        {(projects) => (
          <Table
            label="Projects"
            rows={projects}
            keyOf={(project) => project.metadata.name}
            columns={[
              {
                title: "Project",
                width: "26%",
                show: (project) => (
                  <>
                    <Link href={`/projects/${encodeURIComponent(project.metadata.name)}`}>
                      <b>{brief(project.metadata.name, 80)}</b>
                    </Link>
                    <small>{brief(project.spec?.description ?? "", 120)}</small>
                  </>
                ),
              },
              { title: "Repositories", show: (project) => brief(some(repositories(project)), 120) || <span class="dim">none</span> },
              { title: "Destinations", show: (project) => brief(some(destinations(project)), 120) || <span class="dim">none</span> },
              {
                title: "Applications",
                width: "16%",
                show: (project) => <Link href={`/applications?q=${encodeURIComponent(`project:${project.metadata.name}`)}`}>Show them</Link>,
              },
            ]}
          />
        )}
      </Listing>
      {one && <Detail project={one} />}
      {one && <Bench project={one} />}
    </>
  );
}

function Detail({ project }: { project: Project }) {
  const { spec = {} } = project;
  const windows = spec.syncWindows ?? [];
  return (
    <Card class="detail">
      <h2>{brief(project.metadata.name, 80)}</h2>
      <dl class="facts">
        <dt>Repositories</dt>
        <dd>{brief(repositories(project).join(", "), 2_000) || "none"}</dd>
        <dt>Destinations</dt>
        <dd>{brief(destinations(project).join(", "), 2_000) || "none"}</dd>
        <dt>Kinds of the whole cluster</dt>
        <dd>{brief(kinds(spec.clusterResourceWhitelist), 2_000) || "none"}</dd>
        <dt>Kinds that are denied</dt>
        <dd>{brief(kinds(spec.namespaceResourceBlacklist), 2_000) || "none"}</dd>
        <dt>Sync windows</dt>
        <dd>{windows.length ? windows.map((one) => `${one.kind} at “${brief(one.schedule ?? "", 40)}” for ${brief(one.duration ?? "", 20)}`).join("; ") : "none: a sync may run at any time"}</dd>
        <dt>Roles</dt>
        <dd>
          {(spec.roles ?? []).length
            ? (spec.roles ?? []).map((role) => (
                <div key={role.name}>
                  <b>{brief(role.name ?? "", 60)}</b> {brief(role.description ?? "", 120)} <span class="dim">{count(role.policies?.length ?? 0, "policy", "policies")}{role.groups?.length ? `, for ${brief(some(role.groups, 3), 120)}` : ""}</span>
                </div>
              ))
            : "none"}
        </dd>
      </dl>
    </Card>
  );
}
