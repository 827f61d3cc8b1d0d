/** A name and a password that the demo's command sends with the address of the page, in the part that goes to no server. */

export interface Handed {
  username: string;
  password: string;
}

const HERE = ["127.0.0.1", "localhost", "[::1]"];

/**
 * What an address hands over; undefined for nothing. On this machine alone: a stranger's link to a server elsewhere would sign
 * people in as somebody of the stranger's choice.
 */
export function handed(address: string): Handed | undefined {
  const { hash, hostname } = new URL(address);
  if (!hash.startsWith("#sign-in=") || !HERE.includes(hostname)) return undefined;
  const [username, password] = hash.slice("#sign-in=".length).split(":", 2);
  try {
    return username && password ? { username: decodeURIComponent(username), password: decodeURIComponent(password) } : undefined;
  } catch {
    return undefined;
  }
}

/** Read it and take it out of the address, before anything else sees it. */
export function takeHanded(): Handed | undefined {
  const found = handed(window.location.href);
  if (window.location.hash.startsWith("#sign-in=")) window.history.replaceState(null, "", window.location.pathname + window.location.search);
  return found;
}
