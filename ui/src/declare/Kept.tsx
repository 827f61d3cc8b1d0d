import { Link } from "wouter";
import { pathOf } from "../shell/address";
import { brief } from "../words/text";

/** Where a change of an Application is kept, and who will undo it. */
export function Kept({ parent }: { parent: string }) {
  if (!parent) return <p class="dim">It is kept in the Application itself, not in Git: whoever applies it from a file next writes over it.</p>;
  const [namespace = "", name = ""] = parent.split("/");
  return (
    <p class="dim">
      This Application comes from Git, by <Link href={pathOf(namespace, name)}>{brief(name, 60)}</Link>. A change here is an override: it is drift there until Git says the same, and a sync of {brief(name, 60)} takes it back.
    </p>
  );
}
