/** Which version is to serve, among those that the appliance has of this model. */
import { useState } from "react";
import type { Detector } from "../api/client";
import { newestFirst } from "./versions";
import { versionOf } from "./sentences";
import type { DetectorResource } from "./types";

interface Props {
  detector: DetectorResource;
  versions: Detector[];
  onChoose: (version: Detector) => void;
}

export function VersionChoice({ detector, versions, onChoose }: Props) {
  const wanted = versionOf(detector.spec.model.storageUri);
  const [chosen, setChosen] = useState<string | null>(null);
  const others = newestFirst(versions.filter((each) => each.version !== wanted));
  if (others.length === 0) return null;
  const choice = others.find((each) => each.version === chosen) ?? others[0];
  return (
    <span className="row version-choice">
      <select aria-label="Version" value={choice?.version} onChange={(event) => setChosen(event.target.value)}>
        {others.map(({ version }) => (
          <option key={version} value={version}>
            {version}
          </option>
        ))}
      </select>
      <button type="button" onClick={() => choice && onChoose(choice)}>
        Serve this version
      </button>
    </span>
  );
}
