/** Histogram and slider as one thing: bars of the scores, the running point drawn in, the threshold as the handle. */
import type { Histogram } from "../api/client";
import { adjust } from "../state/navigation";
import { useWorkspace } from "../state/workspace";
import { bars, sliderStep, snap } from "./filter";

const GROUPS = 50;
const HEIGHT = 56;

export function ScoreSlider({ histogram }: { histogram: Histogram }) {
  const { filter } = useWorkspace();
  const step = sliderStep(histogram);
  const heights = bars(histogram.counts, GROUPS);
  const width = 100 / heights.length;
  const point = histogram.running_point;
  return (
    <div className="score">
      <svg viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {heights.map((height, index) => (
          <rect
            key={index}
            className={(index + 0.5) / heights.length >= filter.threshold ? "bar on" : "bar"}
            x={index * width + width * 0.1}
            width={width * 0.8}
            y={HEIGHT - Math.max(height > 0 ? 1.5 : 0, height * (HEIGHT - 4))}
            height={Math.max(height > 0 ? 1.5 : 0, height * (HEIGHT - 4))}
          />
        ))}
        <line className="running-point" x1={point * 100} x2={point * 100} y1={0} y2={HEIGHT} vectorEffect="non-scaling-stroke" />
      </svg>
      <span className="handle" style={{ left: `${filter.threshold * 100}%` }} />
      <input
        type="range"
        min={0}
        max={1}
        step={step}
        value={filter.threshold}
        aria-label="Lowest score shown"
        aria-valuetext={filter.threshold.toFixed(2)}
        onChange={(event) => adjust({ threshold: snap(Number(event.target.value), step) })}
      />
      <div className="score-foot">
        <span>score</span>
        <output className="numbers" data-testid="threshold">{`≥ ${filter.threshold.toFixed(2)}`}</output>
        <button type="button" className="link numbers" title="Back to the running point (P)" disabled={Math.abs(filter.threshold - point) < 1e-9} onClick={() => adjust({ threshold: null })}>
          {`running point ${point.toFixed(2)}`}
        </button>
      </div>
    </div>
  );
}
