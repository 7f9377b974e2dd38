/** A button that is an icon, with its name and key for everybody. */
import type { ReactNode } from "react";

interface Props {
  label: string;
  icon: ReactNode;
  onClick: () => void;
  keys?: string;
  pressed?: boolean;
}

export function IconButton({ label, icon, onClick, keys, pressed }: Props) {
  return (
    <button type="button" className="icon-button" aria-label={label} title={keys ? `${label} (${keys})` : label} aria-pressed={pressed} onClick={onClick}>
      {icon}
    </button>
  );
}
