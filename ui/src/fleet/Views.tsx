import { useRef, useState } from "preact/hooks";
import { Menu } from "../parts/Menu";
import { dropView, saveView, views } from "../shell/kept";
import { brief } from "../words/text";

interface Props {
  line: string;
  by: string;
  change: (changes: Record<string, string | undefined>) => void;
}

/** Searches that somebody comes back to, kept in this browser. */
export function Views({ line, by, change }: Props) {
  const [name, type] = useState("");
  const menu = useRef<HTMLDetailsElement>(null);
  const there = views.value;
  const current = there.find((one) => one.q === line && one.group === by);
  return (
    <Menu label={current ? brief(current.name, 24) : "Views"} inner={menu}>
      {there.length ? (
        <ul>
          {there.map((one) => (
            <li key={one.name}>
              <button
                type="button"
                class="item"
                aria-current={one === current}
                onClick={() => {
                  change({ q: one.q, group: one.group });
                  if (menu.current) menu.current.open = false;
                }}
              >
                {brief(one.name, 40)}
                <small>{brief([one.q, one.group && `by ${one.group}`].filter(Boolean).join(" · ") || "everything", 60)}</small>
              </button>
              <button type="button" class="close" aria-label={`Forget ${brief(one.name, 40)}`} onClick={() => dropView(one.name)}>
                ×
              </button>
            </li>
          ))}
        </ul>
      ) : (
        <p class="dim">No view is saved yet. A view is a search and its groups; this browser keeps it, its address can be sent.</p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!name.trim()) return;
          saveView({ name: name.trim().slice(0, 60), q: line, group: by });
          type("");
        }}
      >
        <input aria-label="Name of the view" placeholder="Save this view as…" maxLength={60} value={name} onInput={(event) => type(event.currentTarget.value)} />
        <button type="submit" class="button" disabled={!name.trim()}>
          Save
        </button>
      </form>
    </Menu>
  );
}
