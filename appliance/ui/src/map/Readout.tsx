/** Along the lower edge of the map: where the pointer is, how large a pixel is, the scale, when the picture was taken. */
import { toLonLat } from "ol/proj";
import { count, metres, utc } from "../parts/numbers";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { groundScale, isGeoreferenced } from "./geometry";
import { liveView } from "./live";
import { latLon, mgrsText, scaleBar, scaleDenominator } from "./readout";

const WIDEST_BAR = 110;

export function Readout() {
  const view = useStore(liveView);
  const { item } = useWorkspace();
  if (!view) return null;
  const scene = item?.scene ?? null;
  const georeferenced = scene ? isGeoreferenced(scene) : true;
  const ground = view.resolution * (georeferenced ? groundScale(view.y) : 1);
  const bar = scaleBar(ground, WIDEST_BAR);
  return (
    <div className="readout numbers">
      {georeferenced ? <Ground x={view.x} y={view.y} /> : <span>{`${count(Math.floor(view.x))}, ${count(Math.floor(-view.y))} px`}</span>}
      {scene?.gsd_metres ? <span title="Ground sample distance">{`${scene.gsd_metres.toFixed(2)} m/px`}</span> : null}
      {scene && !georeferenced ? <span>no georeference</span> : null}
      {scene?.acquired_at ? <span title="Acquired">{utc(scene.acquired_at)}</span> : null}
      <span className="readout-gap" />
      {georeferenced ? <span title="Scale on this screen">{`1:${count(scaleDenominator(ground))}`}</span> : null}
      <span className="scale" title="Scale bar">
        <span className="scale-bar" style={{ width: bar.pixels }} />
        {georeferenced ? metres(bar.length) : `${count(bar.length)} px`}
      </span>
    </div>
  );
}

function Ground({ x, y }: { x: number; y: number }) {
  const [longitude = 0, latitude = 0] = toLonLat([x, y]);
  return (
    <>
      <span title="Military grid reference">{mgrsText(latitude, longitude)}</span>
      <span title="Latitude and longitude, WGS 84">{latLon(latitude, longitude)}</span>
    </>
  );
}
