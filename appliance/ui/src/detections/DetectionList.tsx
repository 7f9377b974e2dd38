/** The detections in view, best first: step through them by keyboard or click. */
import { useEffect, useRef } from "react";
import { verdicts } from "../annotate/select";
import { inView, sceneMap } from "../map/live";
import { classColour } from "../map/palette";
import type { Shape } from "../map/shapes";
import { area, count } from "../parts/numbers";
import { go, useAddress } from "../state/navigation";
import { useStore } from "../state/store";
import { metresPerPixel, useWorkspace } from "../state/workspace";
import { passes } from "./filter";
import { shortLabel } from "./labels";

const MOST = 200;

export function DetectionList() {
  const { shapes } = useStore(inView);
  const { filter, item, labels } = useWorkspace();
  const ground = metresPerPixel(item) !== null;
  const { selection } = useAddress();
  const map = useStore(sceneMap);
  const judged = useStore(verdicts);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const current = list.current?.querySelector<HTMLElement>("[aria-current=true]");
    current?.scrollIntoView({ block: "nearest" });
    // Whoever steps through the list by keyboard has one place marked, not two.
    if (list.current?.contains(document.activeElement)) current?.focus({ preventScroll: true });
  }, [selection]);
  const shown = shapes.filter((shape) => passes(filter, shape));
  const choose = (shape: Shape) => {
    go({ selection: shape.ordinal, annotation: null });
    map?.reveal(shape.extent);
  };
  return (
    <section className="detection-list" aria-label="In view">
      <h3>
        In view <span className="quiet numbers">{count(shown.length)}</span>
      </h3>
      <ul ref={list}>
        {shown.slice(0, MOST).map((shape) => (
          <li key={shape.ordinal} data-verdict={judged.get(shape.ordinal)}>
            <button type="button" aria-current={shape.ordinal === selection} onClick={() => choose(shape)} onPointerEnter={() => map?.shapes.setHovered(shape.ordinal)} onPointerLeave={() => map?.shapes.setHovered(null)}>
              <svg className="swatch" viewBox="0 0 10 10" aria-hidden="true">
                <rect x="1.5" y="1.5" width="7" height="7" rx="1.5" fill="none" strokeWidth="2" stroke={classColour(labels.indexOf(shape.label))} />
              </svg>
              <span>{shortLabel(shape.label)}</span>
              <span className="quiet numbers">{shape.area === null ? "" : area(shape.area, ground)}</span>
              <span className="numbers">{shape.score.toFixed(2)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
