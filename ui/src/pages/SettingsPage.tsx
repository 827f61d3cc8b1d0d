import { useEffect } from "preact/hooks";
import { Card, Waiting } from "../parts/parts";
import { type ServerSettings, session } from "../shell/session";
import { brief } from "../words/text";
import { Refused, useAsked } from "./listing";

interface Version {
  Version?: string;
  BuildDate?: string;
  KustomizeVersion?: string;
  HelmVersion?: string;
  KubectlVersion?: string;
  Platform?: string;
}

const TRACKED: Record<string, string> = {
  annotation: "by an annotation of each object",
  label: "by a label of each object",
  "annotation+label": "by an annotation, and a label for others to read",
};

export function SettingsPage() {
  const settings = useAsked<ServerSettings>("/v1/settings");
  const version = useAsked<Version>("/version");
  useEffect(() => {
    document.title = "Settings · Trueup";
  }, []);
  const who = session.value;
  return (
    <>
      <h1>Settings</h1>
      <p class="lead">As they are in force. They are changed in the ConfigMaps argocd-cm and argocd-rbac-cm, in Git like everything else.</p>
      {settings.error && !settings.value ? (
        <Refused what="settings" error={settings.error} again={settings.again} />
      ) : !settings.value ? (
        <Waiting what="settings" />
      ) : (
        <div class="columns">
          <Card class="detail">
            <h2>You</h2>
            <dl class="facts">
              <dt>Signed in as</dt>
              <dd>{who?.username ? brief(who.username, 120) : "nobody"}</dd>
              <dt>Groups</dt>
              <dd>{who?.groups?.length ? brief(who.groups.join(", "), 1_000) : "none"}</dd>
            </dl>
          </Card>
          <Card class="detail">
            <h2>Server</h2>
            <dl class="facts">
              <dt>Version</dt>
              <dd>{version.value?.Version ? brief(version.value.Version, 80) : "not told"}</dd>
              <dt>Address</dt>
              <dd>{settings.value.url ? brief(settings.value.url, 200) : "none set (url in argocd-cm)"}</dd>
              <dt>Tools</dt>
              <dd>
                {[
                  ["Kustomize", version.value?.KustomizeVersion],
                  ["Helm", version.value?.HelmVersion],
                  ["kubectl", version.value?.KubectlVersion],
                ]
                  .filter(([, value]) => value)
                  .map(([name, value]) => `${name} ${brief(value ?? "", 40)}`)
                  .join(" · ") || "not told"}
              </dd>
            </dl>
          </Card>
          <Card class="detail">
            <h2>Applications</h2>
            <dl class="facts">
              <dt>Objects are known</dt>
              <dd>{TRACKED[settings.value.trackingMethod || "annotation"] ?? brief(settings.value.trackingMethod ?? "", 40)}</dd>
              <dt>Label</dt>
              <dd>
                <code>{brief(settings.value.appLabelKey || "app.kubernetes.io/instance", 120)}</code>
              </dd>
              <dt>In any namespace</dt>
              <dd>{settings.value.appsInAnyNamespaceEnabled ? "yes" : "no, in the engine's own"}</dd>
              <dt>As service accounts of projects</dt>
              <dd>{settings.value.impersonationEnabled ? "yes" : "no, as the engine itself"}</dd>
            </dl>
          </Card>
          <Card class="detail">
            <h2>Sign-in</h2>
            <dl class="facts">
              <dt>Accounts of this server</dt>
              <dd>{settings.value.userLoginsDisabled ? "off" : "on"}</dd>
              <dt>OpenID provider</dt>
              <dd>{settings.value.oidcConfig?.name ? brief(settings.value.oidcConfig.name, 80) : "none"}</dd>
            </dl>
          </Card>
        </div>
      )}
    </>
  );
}
