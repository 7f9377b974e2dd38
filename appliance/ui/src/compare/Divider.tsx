/** The line between two layers: dragged, or moved by the arrow keys. */
import { MoveHorizontal } from "lucide-react";
import type { KeyboardEvent, PointerEvent } from "react";
import { percent } from "../parts/numbers";
import { useAddress } from "../state/navigation";
import { moveDivider } from "./acts";

const STEPS: Record<string, number> = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };

export function Divider() {
  const { split } = useAddress();
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    const stage = event.currentTarget.parentElement?.getBoundingClientRect();
    if (stage && event.currentTarget.hasPointerCapture(event.pointerId)) moveDivider((event.clientX - stage.left) / stage.width);
  };
  const press = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    moveDivider(split + step);
  };
  return (
    <div
      className="divider"
      style={{ left: `${split * 100}%` }}
      role="slider"
      tabIndex={0}
      aria-label="Divider"
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(split * 100)}
      aria-valuetext={`${percent(split)} from the left`}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onKeyDown={press}
    >
      <span className="divider-grip">
        <MoveHorizontal />
      </span>
    </div>
  );
}
