import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** A button that opens what lies below it; Escape, and a click elsewhere, close it. */
export function Menu({ label, children, inner }: { label: string; children: ComponentChildren; inner?: RefObject<HTMLDetailsElement | null> }) {
  const own = useRef<HTMLDetailsElement>(null);
  const element = inner ?? own;
  useEffect(() => {
    const away = (event: Event) => {
      const menu = element.current;
      if (menu?.open && !menu.contains(event.target as Node)) menu.open = false;
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, []);
  return (
    <details
      class="menu"
      ref={element}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !element.current?.open) return;
        event.stopPropagation();
        element.current.open = false;
        element.current.querySelector("summary")?.focus();
      }}
    >
      <summary class="button">{label}</summary>
      <div class="menu-body card">{children}</div>
    </details>
  );
}
