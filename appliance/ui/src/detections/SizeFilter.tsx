/** Which sizes and areas are shown: from and to, in metres where the scene is georeferenced, else in pixels. */
import type { Bounds } from "../state/address";
import { adjust, useAddress } from "../state/navigation";
import { metresPerPixel, useWorkspace } from "../state/workspace";

export function SizeFilter() {
  const { item } = useWorkspace();
  const { size, area } = useAddress();
  const unit = metresPerPixel(item) === null ? "px" : "m";
  const bounded = [...size, ...area].some((each) => each !== null);
  return (
    <section className="sizes" aria-label="Size and area">
      <div className="panel-head">
        <h3>Size and area</h3>
        {bounded ? (
          <button type="button" className="link" onClick={() => adjust({ size: [null, null], area: [null, null] })}>
            Any
          </button>
        ) : null}
      </div>
      <Between name="Size" unit={unit} bounds={size} put={(next) => adjust({ size: next })} title="The longer side" />
      <Between name="Area" unit={`${unit}²`} bounds={area} put={(next) => adjust({ area: next })} title="The area within the outline" />
    </section>
  );
}

interface Props {
  name: string;
  unit: string;
  bounds: Bounds;
  put: (bounds: Bounds) => void;
  title: string;
}

function Between({ name, unit, bounds: [from, to], put, title }: Props) {
  const value = (text: string) => (text === "" || Number(text) < 0 ? null : Number(text));
  return (
    <div className="between" title={title}>
      <span className="quiet">{name}</span>
      <input type="number" min={0} step="any" placeholder="any" aria-label={`${name} from, in ${unit}`} value={from ?? ""} onChange={(event) => put([value(event.target.value), to])} />
      <span aria-hidden="true">–</span>
      <input type="number" min={0} step="any" placeholder="any" aria-label={`${name} to, in ${unit}`} value={to ?? ""} onChange={(event) => put([from, value(event.target.value)])} />
      <span className="quiet">{unit}</span>
    </div>
  );
}
