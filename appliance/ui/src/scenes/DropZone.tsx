/** The whole work area takes dropped files and folders. */
import { useState, type DragEvent, type ReactNode } from "react";
import { fail } from "../state/notices";
import { useWorkspace } from "../state/workspace";
import { filesOf } from "../upload/collect";
import { addFiles } from "../upload/queue";

export function DropZone({ children }: { children: ReactNode }) {
  const { dataset } = useWorkspace();
  const [over, setOver] = useState(false);
  const holdsFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (!dataset || !holdsFiles(event)) return;
    filesOf(event.dataTransfer)
      .then((files) => addFiles(dataset.name, files))
      .catch(fail);
  };
  return (
    <div
      className="columns"
      data-dropping={over}
      onDragOver={(event) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!(event.relatedTarget instanceof Node) || !event.currentTarget.contains(event.relatedTarget)) setOver(false);
      }}
      onDrop={drop}
    >
      {children}
      {over ? <div className="drop-hint">{`Drop to add to ${dataset?.title || dataset?.name || "this dataset"}`}</div> : null}
    </div>
  );
}
