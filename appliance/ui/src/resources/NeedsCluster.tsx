/** Standalone mode: in one line what this place needs, and where it is written. */
import text from "../../../../docs/custom-resources.md?url";

export function NeedsCluster() {
  return (
    <p className="needs-cluster">
      Detectors and trainings of this place live on a cluster, and this appliance runs without one. <a href={text}>What they are, and what the same files do without a cluster</a>
    </p>
  );
}
