/** The two resources of a cluster as the API gives them. Used by resources/ and newmodel/. */
import { ProblemError } from "../api/client";
import type { components } from "../api/schema";

type Schemas = components["schemas"];
export type DetectorResource = Schemas["DetectorResource"];
export type TrainingJob = Schemas["TrainingJobResource"];
export type Condition = Schemas["Condition"];
export type Gate = Schemas["GateResult"];
export type Failure = Schemas["FailureInfo"];
export type Metric = Gate["metric"];

/** Without a cluster there is neither of them: the API says so, and with what the two need. */
export function needsCluster(error: unknown): error is ProblemError {
  return error instanceof ProblemError && error.document.code === "unsupported";
}
