/** A button that opens a small panel beside it; the browser closes it on Escape or a click elsewhere. */
import { useId, type ReactNode } from "react";

interface Props {
  label: string;
  icon?: ReactNode;
  /** What the button shows beside or instead of an icon. */
  text?: ReactNode;
  keys?: string;
  side: "below-left" | "below-right" | "left";
  children: ReactNode;
}

export function Popover({ label, icon, text, keys, side, children }: Props) {
  const id = useId();
  const name = keys ? `${label} (${keys})` : label;
  return (
    <span className="popover-anchor">
      <button type="button" className={text ? "menu-button" : "icon-button"} aria-label={label} title={name} popoverTarget={id}>
        {text}
        {icon}
      </button>
      <div id={id} popover="auto" className={`popover ${side}`} role="group" aria-label={label}>
        {children}
      </div>
    </span>
  );
}

/** Closes the popover that holds the element. */
export function closePopover(element: Element): void {
  const panel = element.closest("[popover]");
  if (panel instanceof HTMLElement) panel.hidePopover();
}
