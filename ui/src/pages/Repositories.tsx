import { Table } from "../parts/parts";
import { brief } from "../words/text";
import { Connection } from "./Clusters";
import { itemsOf, Listing, useAsked } from "./listing";

interface Repository {
  repo?: string;
  name?: string;
  type?: string;
  project?: string;
  username?: string;
  inheritedCreds?: boolean;
  insecure?: boolean;
  connectionState?: { status?: string; message?: string; attemptedAt?: string };
}

export function Repositories() {
  const asked = itemsOf(useAsked<{ items?: Repository[] | null }>("/v1/repositories"));
  return (
    <Listing
      title="Repositories"
      lead="What the engine has a Secret for. Public repositories need none and are not listed."
      asked={asked}
      empty={<p>Add one from the command line: trueup repo add https://git.example.com/team/web.git --username … --password …</p>}
    >
      {(repositories) => (
        <Table
          label="Repositories"
          rows={repositories}
          keyOf={(one) => `${one.repo} ${one.project ?? ""}`}
          columns={[
            { title: "Connection", width: "22%", show: (one) => <Connection state={one.connectionState} /> },
            {
              title: "Repository",
              show: (one) => (
                <>
                  <b>
                    <bdi>{brief(one.repo ?? "", 160)}</bdi>
                  </b>
                  <small>{one.name ? brief(one.name, 80) : one.inheritedCreds ? "credential of a template" : one.username ? `as ${brief(one.username, 40)}` : "no credential"}</small>
                </>
              ),
            },
            { title: "Type", width: "12%", show: (one) => one.type || "git" },
            { title: "Project", width: "16%", show: (one) => one.project || <span class="dim">every project</span> },
          ]}
        />
      )}
    </Listing>
  );
}
