/** Everything known of the detection that is selected. */
import { X } from "lucide-react";
import { getCenter } from "ol/extent";
import { toLonLat } from "ol/proj";
import type { ReactNode } from "react";
import { groundScale, isGeoreferenced } from "../map/geometry";
import { inView, lastSelected } from "../map/live";
import { latLon, mgrsText } from "../map/readout";
import type { Shape } from "../map/shapes";
import { IconButton } from "../parts/IconButton";
import { area, count, metres } from "../parts/numbers";
import { go, useAddress } from "../state/navigation";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";

export function Attributes() {
  const { selection } = useAddress();
  const { shapes } = useStore(inView);
  const { item } = useWorkspace();
  const last = useStore(lastSelected);
  const shape = shapes.find((each) => each.ordinal === selection) ?? (last?.ordinal === selection ? last : null);
  if (!shape || !item?.scene) return null;
  return (
    <section className="attributes" aria-label="Selected detection">
      <div className="panel-head">
        <h3>{`Detection ${count(shape.ordinal)}`}</h3>
        <IconButton label="Let go" keys="Esc" icon={<X />} onClick={() => go({ selection: null })} />
      </div>
      <dl className="numbers">
        <Row name="class">{shape.label.replaceAll("/", " › ")}</Row>
        <Row name="score">{shape.score.toFixed(3)}</Row>
        {isGeoreferenced(item.scene) ? <GroundRows shape={shape} /> : <PixelRows shape={shape} />}
      </dl>
    </section>
  );
}

function GroundRows({ shape }: { shape: Shape }) {
  const [x = 0, y = 0] = getCenter(shape.extent);
  const [longitude = 0, latitude = 0] = toLonLat([x, y]);
  const scale = groundScale(y);
  return (
    <>
      <Row name="extent">{`${metres((shape.extent[2] - shape.extent[0]) * scale)} × ${metres((shape.extent[3] - shape.extent[1]) * scale)}`}</Row>
      {shape.area === null ? null : <Row name="area">{area(shape.area, true)}</Row>}
      <Row name="grid">{mgrsText(latitude, longitude)}</Row>
      <Row name="place">{latLon(latitude, longitude)}</Row>
    </>
  );
}

function PixelRows({ shape }: { shape: Shape }) {
  const { extent } = shape;
  const [x = 0, y = 0] = getCenter(extent);
  return (
    <>
      <Row name="extent">{`${count(extent[2] - extent[0])} × ${count(extent[3] - extent[1])} px`}</Row>
      {shape.area === null ? null : <Row name="area">{area(shape.area, false)}</Row>}
      <Row name="centre">{`${count(x)}, ${count(-y)} px`}</Row>
    </>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
