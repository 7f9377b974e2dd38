/** Buttons at the map's corner: zoom, fit, layers. Each has its key. */
import { Columns2, Maximize, Minus, Navigation2, Pentagon, Plus, Ruler, Shapes as ShapesIcon, SquareDashed, SquarePlus } from "lucide-react";
import { take } from "../annotate/keys";
import { tool } from "../annotate/tool";
import { toggleCompare } from "../compare/acts";
import { IconButton } from "../parts/IconButton";
import { adjust, useAddress } from "../state/navigation";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { DisplayMenu } from "./DisplayMenu";
import { liveView, sceneMap } from "./live";
import { turn } from "./turn";

export function MapTools() {
  const map = useStore(sceneMap);
  const chosen = useStore(tool);
  const workspace = useWorkspace();
  const { annotations, compare, detections, scene } = useAddress();
  return (
    <div className="map-tools" role="toolbar" aria-label="Map">
      <IconButton label="Zoom in" keys="+" onClick={() => map?.zoomBy(1)} icon={<Plus />} />
      <IconButton label="Zoom out" keys="−" onClick={() => map?.zoomBy(-1)} icon={<Minus />} />
      <IconButton label="Fit the scene" keys="0" onClick={() => map?.fit()} icon={<Maximize />} />
      <North />
      {scene === null ? null : (
        <>
          <IconButton label="Detections" keys="H" pressed={detections} onClick={() => adjust({ detections: !detections })} icon={<ShapesIcon />} />
          <IconButton label="Draw a box" keys="B" pressed={chosen === "box"} onClick={() => take("box")} icon={<SquarePlus />} />
          <IconButton label="Draw a polygon" keys="P" pressed={chosen === "polygon"} onClick={() => take("polygon")} icon={<Pentagon />} />
          <IconButton label="Measure" keys="M" pressed={chosen === "measure"} onClick={() => take("measure")} icon={<Ruler />} />
          <IconButton label="Annotations" keys="A" pressed={annotations} onClick={() => adjust({ annotations: !annotations })} icon={<SquareDashed />} />
          <IconButton label="Compare" keys="C" pressed={compare !== null} onClick={() => toggleCompare(workspace)} icon={<Columns2 />} />
          <DisplayMenu />
        </>
      )}
    </div>
  );
}

/** The north arrow; pressed, north comes up. Without georeference it says which way is up in the picture. */
function North() {
  const map = useStore(sceneMap);
  const turned = useStore(liveView)?.rotation ?? 0;
  const label = map?.georeferenced === false ? "Top of the picture up" : "North up";
  return <IconButton label={label} keys="N" onClick={() => turn(map, null)} icon={<Navigation2 style={{ transform: `rotate(${turned}rad)` }} />} />;
}
