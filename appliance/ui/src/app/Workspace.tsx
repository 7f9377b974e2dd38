/** The frame: header, scenes, map, detections, and the strip of long work. */
import { useEffect } from "react";
import { listen } from "../api/events";
import type { Session } from "../api/client";
import { useDatasets, useSession } from "../api/queries";
import { SaveMark } from "../annotate/SaveMark";
import { useAnnotations } from "../annotate/useAnnotations";
import { CompareView } from "../compare/CompareView";
import { DetectionPanel } from "../detections/DetectionPanel";
import { Help } from "../keys/Help";
import { useKeys } from "../keys/useKeys";
import { MapTools } from "../map/MapTools";
import { MapView } from "../map/MapView";
import { Readout } from "../map/Readout";
import { Measure } from "../measure/Measure";
import { Palette } from "../palette/Palette";
import { DropZone } from "../scenes/DropZone";
import { ScenePanel } from "../scenes/ScenePanel";
import { useAddress } from "../state/navigation";
import { FirstDataset } from "./FirstDataset";
import { Header } from "./Header";
import { MapHint } from "./MapHint";
import { Notices } from "./Notices";
import { Strip } from "./Strip";
import { useStaleLink } from "./useStaleLink";

export function Workspace({ session }: { session: Session }) {
  const { compare } = useAddress();
  const datasets = useDatasets();
  const here = useSession().data !== null;
  useEffect(() => (here ? listen() : undefined), [here]);
  useKeys();
  useAnnotations(session.name);
  useStaleLink();
  const empty = datasets.data?.length === 0;
  return (
    <div className="workspace">
      <Header session={session} />
      {empty ? (
        <FirstDataset />
      ) : (
        <DropZone>
          <ScenePanel />
          <main className="stage" aria-label="Scene" data-compare={compare ?? undefined}>
            <MapView />
            <CompareView />
            <MapTools />
            <MapHint />
            <SaveMark />
            <Measure />
            <Readout />
          </main>
          <DetectionPanel />
        </DropZone>
      )}
      <Notices />
      <Strip />
      <Palette session={session} />
      <Help />
    </div>
  );
}
