import { Suspense } from "preact/compat";
import { Redirect, Route, Router, Switch } from "wouter";
import { Fleet } from "./fleet/Fleet";
import { ROOT } from "./net/base";
import { lazily as page } from "./parts/lazy";
import { Blank, Waiting } from "./parts/parts";
import { fleet } from "./replica/fleet";
import { Shell } from "./shell/Shell";
import { SignIn } from "./pages/SignIn";

// What the first view does not need comes when it is opened.
const ApplicationPage = page(async () => (await import("./application/ApplicationPage")).ApplicationPage);
const Create = page(async () => (await import("./declare/Create")).Create);
const Projects = page(async () => (await import("./pages/Projects")).Projects);
const Repositories = page(async () => (await import("./pages/Repositories")).Repositories);
const Clusters = page(async () => (await import("./pages/Clusters")).Clusters);
const Audit = page(async () => (await import("./pages/Audit")).Audit);
const Images = page(async () => (await import("./pages/Images")).Images);
const Accounts = page(async () => (await import("./pages/Accounts")).Accounts);
const SettingsPage = page(async () => (await import("./pages/SettingsPage")).SettingsPage);

export function App() {
  const standing = fleet.standing.value;
  const signedOut = standing.is === "refused" && standing.unauthenticated;
  return (
    <Router base={ROOT}>
      {signedOut ? (
        <SignIn />
      ) : (
        <Shell>
          <Suspense fallback={<Waiting what="the page" />}>
            <Switch>
              <Route path="/">
                <Redirect to="/applications" replace />
              </Route>
              <Route path="/login">
                <Redirect to="/applications" replace />
              </Route>
              <Route path="/applications">
                <Fleet />
              </Route>
              <Route path="/applications/:namespace/:name/:tab?">
                {({ namespace, name, tab }) => <ApplicationPage key={`${namespace}/${name}`} namespace={namespace} name={name} tab={tab ?? "topology"} />}
              </Route>
              <Route path="/new">
                <Create />
              </Route>
              <Route path="/projects/:name?">{({ name }) => <Projects name={name} />}</Route>
              <Route path="/repositories">
                <Repositories />
              </Route>
              <Route path="/clusters">
                <Clusters />
              </Route>
              <Route path="/audit">
                <Audit />
              </Route>
              <Route path="/images">
                <Images />
              </Route>
              <Route path="/accounts">
                <Accounts />
              </Route>
              <Route path="/settings">
                <SettingsPage />
              </Route>
              <Route>
                <Blank alone title="There is no such page">
                  <p>
                    <a href="applications">All applications</a> are a click away.
                  </p>
                </Blank>
              </Route>
            </Switch>
          </Suspense>
        </Shell>
      )}
    </Router>
  );
}
