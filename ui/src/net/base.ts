/** Where the server has put the page: `<base>` says so, and every path is below it. */

export const ROOT = new URL(globalThis.document?.baseURI ?? "http://localhost/").pathname.replace(/\/[^/]*$/, "");

export const under = (path: string): string => `${ROOT}${path}`;
