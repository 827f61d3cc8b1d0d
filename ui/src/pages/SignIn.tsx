import { useEffect, useState } from "preact/hooks";
import { under } from "../net/base";
import { api, ApiError } from "../net/client";
import { Button } from "../parts/parts";
import { type ServerSettings, signIn } from "../shell/session";
import { brief } from "../words/text";

export function SignIn() {
  const [settings, tell] = useState<ServerSettings>({});
  const [refused, refuse] = useState("");
  const [busy, work] = useState(false);
  useEffect(() => {
    document.title = "Sign in · Trueup";
    api<ServerSettings>("/v1/settings").then(tell, () => undefined);
  }, []);
  const provider = settings.oidcConfig?.name || (settings.dexConfig?.connectors?.length ? (settings.dexConfig.connectors[0]?.name ?? "single sign-on") : "");
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    work(true);
    refuse("");
    try {
      await signIn(String(form.get("username")), String(form.get("password")));
    } catch (error) {
      refuse(error instanceof ApiError && error.unauthenticated ? "This username and password do not belong together." : (error as Error).message);
      work(false);
    }
  };
  const back = encodeURIComponent(window.location.pathname + window.location.search);
  return (
    <main class="sign-in">
      <div class="card">
        <div class="brand">
          <svg width="24" height="24" viewBox="0 0 20 20" aria-hidden="true">
            <path d="M3 10.5 8 15 17 5" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" />
          </svg>
          <span>Trueup</span>
        </div>
        <h1>Sign in</h1>
        {settings.uiBannerContent && <p class="dim">{brief(settings.uiBannerContent)}</p>}
        {provider && (
          <a class="button primary full" href={under(`/auth/login?return_url=${back}`)}>
            Sign in with {brief(provider, 40)}
          </a>
        )}
        {!settings.userLoginsDisabled && (
          <form onSubmit={(event) => void submit(event)}>
            {provider && <p class="or">or with an account of this server</p>}
            <label>
              Username
              <input name="username" autocomplete="username" required autofocus />
            </label>
            <label>
              Password
              <input name="password" type="password" autocomplete="current-password" required />
            </label>
            {refused && (
              <p class="bad" role="alert">
                {brief(refused)}
              </p>
            )}
            <Button type="submit" primary={!provider} disabled={busy}>
              {busy ? "Signing in…" : "Sign in"}
            </Button>
          </form>
        )}
        <p class="dim small">
          The first password of <code>admin</code> lies in the Secret <code>argocd-initial-admin-secret</code>.
        </p>
      </div>
    </main>
  );
}
