/** Who is signed in, and how people sign in here. */

import { signal } from "@preact/signals";
import { api } from "../net/client";
import { fleet } from "../replica/fleet";

export interface UserInfo {
  loggedIn?: boolean;
  username?: string;
  groups?: string[];
}

export interface ServerSettings {
  url?: string;
  appLabelKey?: string;
  trackingMethod?: string;
  controllerNamespace?: string;
  statusBadgeEnabled?: boolean;
  execEnabled?: boolean;
  userLoginsDisabled?: boolean;
  appsInAnyNamespaceEnabled?: boolean;
  impersonationEnabled?: boolean;
  passwordPattern?: string;
  uiBannerContent?: string;
  kustomizeVersions?: string[];
  oidcConfig?: { name?: string; issuer?: string };
  dexConfig?: { connectors?: { name?: string; type?: string }[] };
}

export const session = signal<UserInfo | undefined>(undefined);

export async function whoAmI(): Promise<void> {
  session.value = await api<UserInfo>("/v1/session/userinfo").catch(() => undefined);
}

/** @throws ApiError with the server's words. */
export async function signIn(username: string, password: string): Promise<void> {
  await api("/v1/session", { method: "POST", body: { username, password } });
  await whoAmI();
  fleet.again();
}

/** @throws ApiError when the session goes on. */
export async function signOut(): Promise<void> {
  try {
    await api("/v1/session", { method: "DELETE" });
    session.value = undefined;
  } finally {
    // The list tells whether the session is over; if it is not, the page must not look as if it were.
    fleet.again();
  }
}
