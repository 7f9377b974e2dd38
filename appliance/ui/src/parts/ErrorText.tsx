/** An error where it happened: one sentence and what to do. */
import { ProblemError } from "../api/client";

export function ErrorText({ error }: { error: unknown }) {
  if (error === null || error === undefined) return null;
  const problem = error instanceof ProblemError;
  return (
    <p className="error" role="alert">
      {error instanceof Error ? error.message : "Something went wrong."} {problem && error.remedy ? <span>{error.remedy}</span> : null}
    </p>
  );
}
