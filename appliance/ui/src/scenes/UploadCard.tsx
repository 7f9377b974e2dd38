/** A file that is being read, before the appliance knows it. */
import { X } from "lucide-react";
import { IconButton } from "../parts/IconButton";
import { Progress } from "../parts/Progress";
import { bytes } from "../parts/numbers";
import { cancelUpload, type UploadTask } from "../upload/queue";

export function UploadCard({ task }: { task: UploadTask }) {
  return (
    <li className="card busy">
      <span className="thumb" />
      <span className="card-text">
        <span className="card-name" title={task.file.name}>{task.file.name}</span>
        <span className="quiet numbers">{task.phase === "waiting" ? `waiting, ${bytes(task.file.size)}` : "reading"}</span>
        {task.phase === "waiting" ? null : <Progress value={task.bytes / task.file.size} label={`Reading ${task.file.name}`} />}
      </span>
      <span className="card-tools">
        <IconButton label={`Cancel ${task.file.name}`} icon={<X />} onClick={() => cancelUpload(task)} />
      </span>
    </li>
  );
}
