/** The first thing a new installation shows. */
import { NewDataset } from "./NewDataset";

export function FirstDataset() {
  return (
    <main className="first">
      <h2>Name your first dataset</h2>
      <p>A dataset holds the scenes of one job: a harbour, a forest, a flight. Drop scenes into it, then let a detector look at them.</p>
      <NewDataset focus />
    </main>
  );
}
