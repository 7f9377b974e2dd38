/** The scenes of the dataset, newest first, and how to add more. */
import { Upload } from "lucide-react";
import { useItems } from "../api/queries";
import { ErrorText } from "../parts/ErrorText";
import { count } from "../parts/numbers";
import { useAddress } from "../state/navigation";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { uploads } from "../upload/queue";
import { SceneCard } from "./SceneCard";
import { UploadCard } from "./UploadCard";
import { pickFiles } from "./pick";

export function ScenePanel() {
  const { dataset } = useAddress();
  const { items } = useWorkspace();
  const query = useItems(dataset);
  const all = useStore(uploads);
  const sending = all.filter((task) => task.dataset === dataset);
  const unknown = sending.filter((task) => !items.some((item) => item.id === task.itemId));
  return (
    <nav className="panel scenes" aria-label="Scenes">
      <div className="panel-head">
        <h2>Scenes</h2>
        <span className="quiet numbers">{query.isSuccess ? count(items.length) : ""}</span>
      </div>
      <ErrorText error={query.error} />
      <ul className="cards">
        {unknown.map((task) => (
          <UploadCard key={task.id} task={task} />
        ))}
        {items.map((item) => (
          <SceneCard key={item.id} item={item} task={sending.find((task) => task.itemId === item.id) ?? null} />
        ))}
      </ul>
      <button type="button" className="add" onClick={() => pickFiles()}>
        <Upload />
        Add scenes, or drop files
      </button>
    </nav>
  );
}
