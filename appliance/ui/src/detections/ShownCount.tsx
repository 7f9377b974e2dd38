/** How many detections the filter lets through, of how many, by which detector. */
import { Download } from "lucide-react";
import type { Histogram, Run } from "../api/client";
import { inView } from "../map/live";
import { count } from "../parts/numbers";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { countAtLeast } from "./filter";

export function ShownCount({ histogram, run }: { histogram: Histogram; run: Run }) {
  const { filter } = useWorkspace();
  const { shapes } = useStore(inView);
  const all = filter.hidden.size === 0;
  return (
    <div className="shown">
      <p>
        <strong className="numbers" data-testid="shown">{count(all ? countAtLeast(histogram.counts, filter.threshold) : shapes.length)}</strong>
        <span className="quiet numbers">{all ? ` of ${count(histogram.total)}` : " in view"}</span>
      </p>
      <p className="quiet shown-run">
        {`${run.detector} ${run.version}`}
        <a className="icon-button" href={`/api/runs/${run.id}/detections.parquet`} aria-label="Download as GeoParquet" title="Download as GeoParquet">
          <Download />
        </a>
      </p>
    </div>
  );
}
