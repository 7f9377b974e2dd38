/** Over an empty map: what to do next, in one line with its button. */
import { Upload } from "lucide-react";
import { useItems } from "../api/queries";
import { ReasonText } from "../parts/ReasonText";
import { pickFiles } from "../scenes/pick";
import { retryItem } from "../state/actions";
import { useAddress } from "../state/navigation";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { uploads } from "../upload/queue";

export function MapHint() {
  const { dataset, scene } = useAddress();
  const { items, item } = useWorkspace();
  const loaded = useItems(dataset).isSuccess;
  const sending = useStore(uploads).length > 0;
  if (!loaded || item?.state === "ready") return null;
  if (item?.state === "failed") {
    return (
      <div className="hint">
        <ReasonText reason={item.reason ?? null} />
        <button type="button" onClick={() => retryItem(item)}>
          Try again
        </button>
      </div>
    );
  }
  if (item) return <div className="hint">{item.state === "uploading" ? "This scene has not arrived yet." : "This scene is being prepared; it appears here by itself."}</div>;
  if (scene !== null) return <div className="hint">{`This scene is not in the dataset any more. ${items.length > 0 ? "Choose another on the left." : "Drop it on this page again."}`}</div>;
  if (sending) return null;
  if (items.length > 0) return <div className="hint low">Choose a scene on the left, or its outline on the map.</div>;
  return (
    <div className="hint">
      <p>Drop GeoTIFF, JPEG 2000, NITF, PNG or JPEG files anywhere on this page.</p>
      <button type="button" className="primary" onClick={() => pickFiles()}>
        <Upload /> Choose files
      </button>
    </div>
  );
}
