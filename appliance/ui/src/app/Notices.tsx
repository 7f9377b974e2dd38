/** Above the strip: what went wrong and its remedy, until dismissed; what can be undone, for a while. */
import { X } from "lucide-react";
import { IconButton } from "../parts/IconButton";
import { dismiss, notices } from "../state/notices";
import { useStore } from "../state/store";

export function Notices() {
  const all = useStore(notices);
  return (
    <div className="notices" role="status" aria-live="polite">
      {all.map((notice) => (
        <div key={notice.id} className={`notice ${notice.kind}`}>
          <p>
            {notice.text} {notice.remedy ? <span className="quiet">{notice.remedy}</span> : null}
          </p>
          {notice.action ? (
            <button type="button" onClick={notice.action.act}>
              {notice.action.label}
            </button>
          ) : null}
          {notice.kind === "undo" ? null : <IconButton label="Dismiss" icon={<X />} onClick={() => dismiss(notice.id)} />}
        </div>
      ))}
    </div>
  );
}
