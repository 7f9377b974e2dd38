/** Standalone mode: the API's own sentence, and where it is written how to come to a cluster. */
import type { ProblemError } from "../api/client";

export function NeedsCluster({ problem }: { problem: ProblemError }) {
  return (
    <p className="needs-cluster">
      {problem.detail} {problem.remedy} What it is and how to come by it: <a href="/docs/custom-resources.md">docs/custom-resources.md</a>.
    </p>
  );
}
