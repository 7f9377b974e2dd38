/** Why something failed: the sentence and its remedy, as the appliance gave them. */
import type { Reason } from "../api/client";

export function ReasonText({ reason }: { reason: Reason | null }) {
  if (!reason) return null;
  return (
    <p className="reason">
      {reason.message} {reason.remedy ? <span className="quiet">{reason.remedy}</span> : null}
    </p>
  );
}
