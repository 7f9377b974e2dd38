/** Which parts of a file are still to be sent. Pure. */
import type { Upload } from "../api/client";

export interface PartPlan {
  number: number;
  start: number;
  end: number;
  url: string;
}

export interface UploadPlan {
  /** Parts that can be sent now. */
  parts: PartPlan[];
  /** Parts that are missing but have no address yet: ask again once the others are done. */
  waiting: number;
  /** Bytes the store has already. */
  doneBytes: number;
}

/** Part n of a file starts at (n - 1) * part_size_bytes; the last one may be shorter. */
export function planParts(upload: Upload, sizeBytes: number): UploadPlan {
  const plan: UploadPlan = { parts: [], waiting: 0, doneBytes: 0 };
  for (const part of upload.parts) {
    const start = (part.number - 1) * upload.part_size_bytes;
    const end = Math.min(sizeBytes, start + part.size_bytes);
    if (part.done) plan.doneBytes += end - start;
    else if (part.url) plan.parts.push({ number: part.number, start, end, url: part.url });
    else plan.waiting += 1;
  }
  return plan;
}
