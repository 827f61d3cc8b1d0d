/** The browser that pictures and tests use: `chromium` of PATH, or the one that CHROMIUM names. */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

export async function browserPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const folder of (process.env.PATH ?? "").split(delimiter))
    for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // the next one
      }
    }
  throw new Error("no chromium in PATH: apt-get install chromium, or CHROMIUM=/path/to/it");
}
