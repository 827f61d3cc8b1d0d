import { Link } from "wouter";
import { Ago, StateMark, Table } from "../parts/parts";
import { brief, count, oneLine } from "../words/text";
import { itemsOf, Listing, useAsked } from "./listing";

interface ConnectionState {
  status?: string;
  message?: string;
  attemptedAt?: string;
}

interface Cluster {
  name?: string;
  server?: string;
  serverVersion?: string;
  namespaces?: string[];
  project?: string;
  connectionState?: ConnectionState;
  info?: { connectionState?: ConnectionState; serverVersion?: string; applicationsCount?: number | string };
}

/** How a connection stands, in a word that says it. */
export function Connection({ state }: { state: ConnectionState | undefined }) {
  const status = state?.status || "Unknown";
  const look = status === "Successful" ? "ok" : status === "Failed" ? "bad" : "none";
  const word = status === "Successful" ? "Connected" : status === "Failed" ? "Not reached" : "Not tried yet";
  return (
    <>
      <StateMark look={look} word={word} />
      <small>{state?.message && status === "Failed" ? oneLine(state.message, 160) : <Ago at={state?.attemptedAt} />}</small>
    </>
  );
}

export function Clusters() {
  const asked = itemsOf(useAsked<{ items?: Cluster[] | null }>("/v1/clusters"));
  return (
    <Listing title="Clusters" lead="Where applications are deployed to, and whether the engine reaches them." asked={asked} empty={<p>The cluster that the engine runs in appears once an application uses it. Others are Secrets with the label argocd.argoproj.io/secret-type=cluster.</p>}>
      {(clusters) => (
        <Table
          label="Clusters"
          rows={clusters}
          keyOf={(one) => one.server ?? one.name ?? ""}
          columns={[
            { title: "Connection", width: "22%", show: (one) => <Connection state={one.info?.connectionState ?? one.connectionState} /> },
            {
              title: "Cluster",
              show: (one) => (
                <>
                  <b>
                    <bdi>{brief(one.name || one.server || "", 80)}</bdi>
                  </b>
                  <small>{brief(one.server ?? "", 120)}</small>
                </>
              ),
            },
            { title: "Version", width: "14%", show: (one) => one.info?.serverVersion || one.serverVersion || <span class="dim">not known</span> },
            {
              title: "Applications",
              width: "18%",
              show: (one) => (
                <Link href={`/applications?q=${encodeURIComponent(`cluster:${one.name || one.server}`)}`}>
                  {one.info?.applicationsCount !== undefined ? count(Number(one.info.applicationsCount), "application") : "Show them"}
                </Link>
              ),
            },
          ]}
        />
      )}
    </Listing>
  );
}
