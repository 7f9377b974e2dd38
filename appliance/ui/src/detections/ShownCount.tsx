/** How many detections the filter lets through, of how many, by which detector. */
import { Download } from "lucide-react";
import type { Histogram, Run } from "../api/client";
import { count } from "../parts/numbers";
import { useWorkspace } from "../state/workspace";
import { countAtLeast } from "./filter";

export function ShownCount({ histogram, run }: { histogram: Histogram; run: Run }) {
  const { filter } = useWorkspace();
  const kept = Object.entries(histogram.counts_by_label).filter(([label]) => !filter.hidden.has(label));
  const shown = kept.reduce((sum, [, counts]) => sum + countAtLeast(counts, filter.threshold), 0);
  return (
    <div className="shown">
      <p>
        <strong className="numbers" data-testid="shown">{count(shown)}</strong>
        <span className="quiet numbers">{` of ${count(histogram.total)}`}</span>
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
