/** Bands, stretch and opacity of the picture. */
import { SlidersHorizontal } from "lucide-react";
import type { SceneInfo } from "../api/client";
import { percent } from "../parts/numbers";
import { Popover } from "../parts/Popover";
import { adjust, useAddress } from "../state/navigation";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { opacity } from "./live";

const CHANNELS = ["Red", "Green", "Blue"] as const;

export function DisplayMenu() {
  const { item } = useWorkspace();
  const seen = useStore(opacity);
  const scene = item?.scene;
  return (
    <Popover label="Picture" keys="" icon={<SlidersHorizontal />} side="left">
      <div className="stack">
        {scene ? <Bands scene={scene} /> : null}
        {scene ? <Stretch scene={scene} /> : null}
        <label className="field">
          <span>Opacity <output className="numbers">{percent(seen)}</output></span>
          <input type="range" min={0} max={1} step={0.05} value={seen} onChange={(event) => opacity.set(Number(event.target.value))} />
        </label>
      </div>
    </Popover>
  );
}

function Bands({ scene }: { scene: SceneInfo }) {
  const { bands } = useAddress();
  if (scene.bands.length < 2) return null;
  const shown = bands?.length === 3 ? bands : [1, Math.min(2, scene.bands.length), Math.min(3, scene.bands.length)];
  const choose = (channel: number, band: number) => adjust({ bands: shown.map((each, index) => (index === channel ? band : each)) });
  return (
    <fieldset className="stack">
      <legend>Bands</legend>
      {CHANNELS.map((name, channel) => (
        <label className="field-row" key={name}>
          <span>{name}</span>
          <select value={shown[channel]} onChange={(event) => choose(channel, Number(event.target.value))}>
            {scene.bands.slice(0, 500).map((band, index) => (
              <option key={index} value={index + 1}>{`${index + 1}  ${band.name}`}</option>
            ))}
          </select>
        </label>
      ))}
      {bands ? <button className="link" type="button" onClick={() => adjust({ bands: null })}>As recorded</button> : null}
    </fieldset>
  );
}

function Stretch({ scene }: { scene: SceneInfo }) {
  const { rescale } = useAddress();
  const lowest = Math.min(...scene.bands.map((band) => band.minimum));
  const highest = Math.max(...scene.bands.map((band) => band.maximum));
  const low = rescale?.[0] ?? Math.min(...scene.bands.map((band) => band.low));
  const high = rescale?.[1] ?? Math.max(...scene.bands.map((band) => band.high));
  const step = (highest - lowest) / 256 || 1;
  const put = (from: number, to: number) => {
    if (from < to) adjust({ rescale: [Number(from.toPrecision(6)), Number(to.toPrecision(6))] });
  };
  return (
    <fieldset className="stack">
      <legend>Stretch</legend>
      <label className="field-row">
        <span>Dark</span>
        <input type="range" min={lowest} max={highest} step={step} value={low} onChange={(event) => put(Number(event.target.value), high)} />
      </label>
      <label className="field-row">
        <span>Light</span>
        <input type="range" min={lowest} max={highest} step={step} value={high} onChange={(event) => put(low, Number(event.target.value))} />
      </label>
      {rescale ? <button className="link" type="button" onClick={() => adjust({ rescale: null })}>As recorded</button> : null}
    </fieldset>
  );
}
