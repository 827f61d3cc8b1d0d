import { useEffect, useMemo } from "preact/hooks";
import { Link } from "wouter";
import { Blank, Table, Waiting } from "../parts/parts";
import { fleet } from "../replica/fleet";
import { pathOf, useAddress } from "../shell/address";
import { brief, count, shortRevision } from "../words/text";
import { imagesOf, type Version } from "./images";

const SHOWN = 300;
const APPS = 3;

/** Which images run, in which versions, of which applications. */
export function Images() {
  const rows = fleet.rows.value;
  const [words, change] = useAddress();
  const search = words.get("q") ?? "";
  const all = useMemo(() => imagesOf(rows.values()), [rows]);
  const shown = useMemo(() => all.filter((one) => `${one.repository} ${one.versions.map((version) => version.tag).join(" ")}`.toLowerCase().includes(search.toLowerCase())), [all, search]);
  useEffect(() => {
    document.title = "Images · Trueup";
  }, []);
  return (
    <>
      <h1>Images</h1>
      <p class="lead">What runs, by where it is from. Those of which several versions run come first.</p>
      {fleet.standing.value.is === "loading" ? (
        <Waiting what="images" lines={4} />
      ) : !all.length ? (
        <Blank title="No image">
          <p>No application runs one, or none has been looked at yet.</p>
        </Blank>
      ) : (
        <>
          <div class="toolbar">
            <input class="filter" type="search" aria-label="Search images" placeholder="Search images and versions" value={search} onInput={(event) => change({ q: event.currentTarget.value }, true)} />
            <span role="status">{count(shown.length, "image")}</span>
          </div>
          <div class="card">
            <Table
              label="Images"
              rows={shown.slice(0, SHOWN)}
              keyOf={(one) => one.repository}
              columns={[
                {
                  title: "Image",
                  width: "38%",
                  show: (one) => (
                    <>
                      <b>
                        <bdi>{brief(one.repository, 160)}</bdi>
                      </b>
                      <small>
                        {count(one.apps, "application")}, {count(one.versions.length, "version")}
                      </small>
                    </>
                  ),
                },
                { title: "Versions that run", show: (one) => one.versions.slice(0, 6).map((version) => <Line key={version.tag} version={version} />) },
              ]}
            />
          </div>
          {shown.length > SHOWN && <p class="dim">and {count(shown.length - SHOWN, "more image")}: search narrows them down.</p>}
        </>
      )}
    </>
  );
}

function Line({ version }: { version: Version }) {
  return (
    <div>
      <code>{brief(version.tag.replace(/^sha256:(\w{12})\w+$/, "$1") || shortRevision(version.tag), 60)}</code>{" "}
      <span class="dim">
        {version.apps.slice(0, APPS).map((row, at) => (
          <span key={row.key}>
            {at ? ", " : ""}
            <Link href={pathOf(row.namespace, row.name)}>{brief(row.name, 40)}</Link>
          </span>
        ))}
        {version.apps.length > APPS ? ` and ${version.apps.length - APPS} more` : ""}
      </span>
    </div>
  );
}
