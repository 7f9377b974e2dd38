/** An address may name what has gone since it was sent to somebody. Says so once, in one sentence; app/MapHint.tsx does for scenes. */
import { useEffect, useState } from "react";
import { ProblemError } from "../api/client";
import { useDatasets, useRuns } from "../api/queries";
import { adjust, getAddress, openScene, useAddress } from "../state/navigation";
import { fail } from "../state/notices";

/** Also chooses a dataset where the address names none that is there. */
export function useStaleLink(): void {
  useDatasetOfLink();
  useRunOfLink();
}

function useDatasetOfLink(): void {
  const { dataset } = useAddress();
  const { data, isFetching } = useDatasets();
  const first = data?.[0]?.name ?? null;
  const missing = dataset !== null && data !== undefined && !isFetching && !data.some((each) => each.name === dataset);
  useEffect(() => {
    if (dataset === null && first !== null) adjust({ dataset: first });
    if (!missing) return;
    fail(new ProblemError(404, `There is no dataset “${dataset}” here any more.`, first === null ? "" : "Another one is shown; all are in the menu above."));
    openScene(null, first);
  }, [dataset, first, missing]);
}

/** Only of the address that the page was opened with: a run that is just being asked for is not known yet either. */
function useRunOfLink(): void {
  const [{ dataset, scene, run }] = useState(getAddress);
  const { data } = useRuns(dataset);
  const missing = run !== null && data !== undefined && !data.some((each) => each.id === run);
  useEffect(() => {
    if (!missing || getAddress().scene !== scene) return;
    fail(new ProblemError(404, "The run that this link names is not there any more.", "The newest run of the scene is shown, if it has one."));
    adjust({ run: null, threshold: null, selection: null, hidden: [] });
  }, [missing, scene]);
}
