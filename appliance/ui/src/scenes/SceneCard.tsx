/** One scene: its thumbnail, its name, its state, and on failure why and what to do. */
import { RotateCw, Trash2, TriangleAlert, X } from "lucide-react";
import type { Item } from "../api/client";
import { IconButton } from "../parts/IconButton";
import { Progress } from "../parts/Progress";
import { ReasonText } from "../parts/ReasonText";
import { bytes, count, percent } from "../parts/numbers";
import { deleteItem, retryItem } from "../state/actions";
import { openScene, useAddress } from "../state/navigation";
import { cancelUpload, type UploadTask } from "../upload/queue";

export function SceneCard({ item, task }: { item: Item; task: UploadTask | null }) {
  const { scene } = useAddress();
  const thumbnail = item.assets.some((asset) => asset.role === "thumbnail");
  return (
    <li className="card" data-state={item.state} data-current={scene === item.id} data-item={item.id}>
      <button type="button" className="card-open" aria-current={scene === item.id} onClick={() => openScene(item.id)}>
        <span className="thumb">
          {thumbnail ? <img src={`/api/items/${item.id}/thumbnail`} alt="" loading="lazy" decoding="async" /> : null}
          {item.state === "failed" ? <TriangleAlert /> : null}
        </span>
        <span className="card-text">
          <span className="card-name" title={item.name}>{item.name}</span>
          <StateLine item={item} task={task} />
        </span>
      </button>
      {item.state === "failed" ? <ReasonText reason={item.reason ?? null} /> : null}
      <span className="card-tools">
        {item.state === "failed" ? <IconButton label={`Try ${item.name} again`} icon={<RotateCw />} onClick={() => retryItem(item)} /> : null}
        {task ? (
          <IconButton label={`Cancel ${item.name}`} icon={<X />} onClick={() => cancelUpload(task)} />
        ) : (
          <IconButton label={`Delete ${item.name}`} icon={<Trash2 />} onClick={() => deleteItem(item)} />
        )}
      </span>
    </li>
  );
}

function StateLine({ item, task }: { item: Item; task: UploadTask | null }) {
  if (task) {
    const fraction = task.bytes / task.file.size;
    return (
      <>
        <span className="quiet numbers">{`sending ${percent(fraction)}`}</span>
        <Progress value={fraction} label={`Sending ${item.name}`} />
      </>
    );
  }
  switch (item.state) {
    case "uploading":
      return <span className="quiet">paused: drop the same file to go on</span>;
    case "queued":
      return <span className="quiet">waiting to be prepared</span>;
    case "normalising":
      return (
        <>
          <span className="quiet numbers">{`preparing ${percent(item.progress_percent / 100)}`}</span>
          <Progress value={item.progress_percent / 100} label={`Preparing ${item.name}`} />
        </>
      );
    case "failed":
      return <span className="bad">failed</span>;
    case "ready":
      return (
        <span className="quiet numbers">
          {item.scene ? `${count(item.scene.width)} × ${count(item.scene.height)}` : bytes(item.size_bytes)}
          {item.scene?.gsd_metres ? ` · ${item.scene.gsd_metres.toFixed(2)} m` : ""}
        </span>
      );
  }
}
