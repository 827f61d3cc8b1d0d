/** The small pieces that all pages are made of. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { ago, exact, span } from "../words/age";
import type { Look } from "../words/state";
import { now } from "./clock";

/** Shape, colour and word: none of them alone. */
export function StateMark({ look, word }: { look: Look; word: string }) {
  return <span class={`state ${look}`}>{word}</span>;
}

/** The shape alone, where the word stands beside it or is read out. */
export function Shape({ look, label }: { look: Look; label?: string }) {
  return label ? <i class={`shape ${look}`} role="img" aria-label={label} /> : <i class={`shape ${look}`} aria-hidden="true" />;
}

/** How long ago, with the exact time for who hovers. */
export function Ago({ at }: { at: string | undefined }) {
  const text = ago(at, now.value);
  return text ? <time dateTime={at} title={exact(at)}>{text}</time> : null;
}

/** For how long. */
export function For({ at }: { at: string | undefined }) {
  const instant = at ? Date.parse(at) : NaN;
  return Number.isNaN(instant) ? null : <time dateTime={at} title={`since ${exact(at)}`}>{span(now.value - instant)}</time>;
}

interface ButtonProps {
  primary?: boolean;
  disabled?: boolean;
  type?: "button" | "submit";
  title?: string;
  /** Why it cannot be pressed: it stands beside it, and is read with it. */
  why?: string;
  onClick?: () => void;
  children: ComponentChildren;
}

export function Button({ primary, children, why = "", disabled = false, ...rest }: ButtonProps) {
  const reason = useId();
  return (
    <>
      {why && (
        <span id={reason} class="why">
          {why}
        </span>
      )}
      <button type="button" {...rest} disabled={disabled || !!why} {...(why ? { "aria-describedby": reason } : {})} class={`button${primary ? " primary" : ""}`}>
        {children}
      </button>
    </>
  );
}

export function Card({ children, class: name = "" }: { children: ComponentChildren; class?: string }) {
  return <section class={`card ${name}`}>{children}</section>;
}

/** A page that has nothing to show: what it is, and what would change it. */
export function Blank({ title, children, look = "none", alone }: { title: string; children?: ComponentChildren; look?: Look; alone?: boolean }) {
  // Where it stands for the whole page its title is the page's.
  const Heading = alone ? "h1" : "h2";
  return (
    <div class="blank" role={look === "bad" ? "alert" : "status"}>
      <Heading>
        <Shape look={look} /> {title}
      </Heading>
      {children}
    </div>
  );
}

/** Grey lines where text will be: the page has its shape before it has its data. */
export function Waiting({ lines = 6, what }: { lines?: number; what: string }) {
  return (
    <div class="waiting" role="status" aria-label={`Loading ${what}`}>
      {Array.from({ length: lines }, (_, at) => (
        <i key={at} aria-hidden="true" />
      ))}
    </div>
  );
}

/** A dialog with an address: it is open while the address says so, and Escape goes back. A bare one has no heading of its own. */
export function Dialog({ title, onClose, children, wide, bare }: { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean; bare?: boolean }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) {
      dialog.showModal();
      // Neither of its buttons is what Enter means before anything was read.
      dialog.focus();
    }
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      tabIndex={-1}
      class={wide ? "wide" : ""}
      aria-label={title}
      onCancel={(event) => (event.preventDefault(), onClose())}
      onClick={(event) => event.target === element.current && onClose()}
    >
      {bare ? (
        children
      ) : (
        <div class="dialog">
          <header>
            <h2>{title}</h2>
            <button type="button" class="close" aria-label="Close" onClick={onClose}>
              ×
            </button>
          </header>
          {children}
        </div>
      )}
    </dialog>
  );
}

export interface Column<T> {
  title: string;
  width?: string;
  show: (row: T) => ComponentChildren;
}

/** A table of few rows; on a phone each is a card. */
export function Table<T>({ columns, rows, keyOf, label }: { columns: Column<T>[]; rows: T[]; keyOf: (row: T) => string; label: string }) {
  return (
    <table class="plain-table" aria-label={label}>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.title} scope="col" style={column.width ? { width: column.width } : {}}>
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map((column) => (
              <td key={column.title} data-title={column.title}>
                {column.show(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
