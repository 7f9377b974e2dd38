/** What is said of a detector or a training, from its resource. Pure. */
import { count, duration, percent, utc } from "../parts/numbers";
import type { Condition, DetectorResource, Gate, TrainingJob } from "./types";

export type Tone = "good" | "busy" | "bad" | "quiet";

export interface Said {
  tone: Tone;
  /** One or two words. */
  word: string;
  /** Why, and what would fix it. */
  sentence: string;
}

const WORDS: Record<string, [whenTrue: string, whenFalse: string]> = {
  Ready: ["Ready", "Not ready"],
  Progressing: ["A version is on its way", "No version is on its way"],
  Degraded: ["Degraded", "Not degraded"],
  EngineReady: ["The engine is ready", "The engine is not ready"],
  DatasetReady: ["The snapshots are there", "The snapshots are not there"],
  Suspended: ["Suspended", "Not suspended"],
  Complete: ["Complete", "Not complete"],
  Failed: ["Failed", "Not failed"],
};

/** Bad news when they are so, and no news otherwise. */
const BAD = new Set(["Degraded", "Failed"]);
/** Neither good nor bad. */
const NEUTRAL = new Set(["Progressing", "Suspended", "Complete"]);

export function conditionSaid({ type, status, message }: Condition): Said {
  const [yes, no] = WORDS[type] ?? [type, `Not ${type}`];
  const sentence = shortDigests(message);
  if (status === "Unknown") return { tone: "busy", word: `${yes}: not known yet`, sentence };
  return { tone: toneOf(type, status === "True"), word: status === "True" ? yes : no, sentence };
}

function toneOf(type: string, so: boolean): Tone {
  if (NEUTRAL.has(type)) return "quiet";
  if (BAD.has(type)) return so ? "bad" : "quiet";
  return so ? "good" : "bad";
}

export function condition(of: { status: { conditions: Condition[] } }, type: string): Condition | null {
  return of.status.conditions.find((each) => each.type === type) ?? null;
}

/** Whether a detector takes work. What is wrong with it comes before that it works all the same. */
export function readiness(detector: DetectorResource): Said {
  const ready = condition(detector, "Ready");
  if (!ready) return { tone: "busy", word: "Not looked at yet", sentence: "The operator has said nothing of it so far." };
  const said = conditionSaid(ready);
  if (detector.spec.suspend) return { tone: "quiet", word: "Suspended", sentence: said.sentence };
  const degraded = condition(detector, "Degraded");
  if (degraded?.status === "True" && said.tone === "good") return { tone: "bad", word: "Ready, degraded", sentence: shortDigests(degraded.message) };
  const coming = condition(detector, "Progressing")?.status === "True" && said.tone === "bad";
  return coming ? { ...said, tone: "busy" } : said;
}

export type TrainingState = NonNullable<TrainingJob["status"]["state"]>;

/** The state with the sentence of the condition that explains it. A retry that is asked for is not failed any more. */
export function trainingSaid(job: TrainingJob): Said {
  const state = stateOf(job);
  const explains: Record<TrainingState, string> = { Pending: "DatasetReady", Running: "DatasetReady", Suspended: "Suspended", Complete: "Complete", Failed: "Failed" };
  const told = condition(job, explains[state]);
  const sentence = told && (state !== "Running" || told.status !== "True") ? shortDigests(told.message) : "";
  const tones: Record<TrainingState, Tone> = { Pending: told?.status === "False" ? "bad" : "busy", Running: "busy", Suspended: "quiet", Complete: "good", Failed: "bad" };
  return { tone: tones[state], word: state, sentence };
}

export function stateOf(job: TrainingJob): TrainingState {
  const { state, retry } = job.status;
  if (!state || (state === "Failed" && job.spec.retry > (retry ?? 0))) return "Pending";
  return state;
}

export const isOver = (job: TrainingJob): boolean => ["Complete", "Failed"].includes(stateOf(job));

/** Fraction done and what is left, from what the trainer last said; null before it has begun. */
export function progressOf(job: TrainingJob): { fraction: number; left: string } | null {
  const told = job.status.trainerStatus;
  if (!told) return null;
  const left = told.estimatedRemainingSeconds;
  return { fraction: told.progressPercentage / 100, left: left == null || isOver(job) ? "" : `${duration(left)} left` };
}

/** "f1 0.83, at least 0.80 wanted". */
export function gateFigures({ metric, value, required }: Gate): string {
  const reached = value == null ? `${metric} not measured yet` : `${metric} ${figure(value)}`;
  return required == null ? reached : `${reached}, at least ${figure(required)} wanted`;
}

export function goalSaid({ spec, status }: TrainingJob): string {
  if (!spec.goal) return "";
  const wanted = `${spec.goal.metric} of at least ${figure(spec.goal.minimum)}`;
  if (!status.verdict) return wanted;
  return `${wanted}: ${status.verdict.goalMet ? "met" : "not met"}`;
}

const FITS = { Good: "Fits well", Overfit: "Overfit: much better on what it learnt from than on the rest", Underfit: "Underfit: good on nothing yet" } as const;

export function verdictSaid({ status: { verdict } }: TrainingJob): string {
  return verdict ? FITS[verdict.fit] : "";
}

export function replicasSaid({ replicas }: DetectorResource["status"]): string {
  if (!replicas) return "–";
  const room = replicas.unschedulable > 0 ? `, ${count(replicas.unschedulable)} without a node` : "";
  return `${count(replicas.ready)} of ${count(replicas.desired)}${room}`;
}

export function queueSaid({ queue }: DetectorResource["status"], now: number): string {
  if (!queue) return "–";
  if (queue.pendingMegapixels === 0) return "empty";
  const since = queue.oldestQueuedAt ? `, for ${duration((now - Date.parse(queue.oldestQueuedAt)) / 1000)}` : "";
  return `${count(queue.pendingMegapixels)}\u202fMpx${since}`;
}

export function engineSaid({ engine }: DetectorResource["status"]): string {
  return engine ? `${engine.backend} ${engine.precision}` : "–";
}

export function canarySaid({ canary }: DetectorResource["status"]): string {
  if (!canary) return "–";
  return canary.percent === 0 ? `${canary.version}, no runs yet` : `${canary.version}, ${percent(canary.percent / 100)} of runs`;
}

/** A rejection that a higher retry has answered is history. */
export function rejectionStands({ spec, status }: DetectorResource): boolean {
  return status.rejected != null && status.rejected.version === versionOf(spec.model.storageUri) && spec.rollout.retry <= status.rejected.retry;
}

export function figure(value: number): string {
  return Number.isInteger(value) && value > 1 ? count(value) : value.toFixed(value >= 0.1 || value === 0 ? 2 : 3);
}

/** Sixty-four digits tell a person nothing that eight do not. */
export function shortDigests(text: string): string {
  return text.replaceAll(/sha256:([0-9a-f]{8})[0-9a-f]{56}/g, "sha256:$1…").replaceAll("….", "…");
}

/** The version at the end of a storageUri, s3://BUCKET/models/NAME/VERSION. */
export function versionOf(uri: string): string {
  return uri.slice(uri.lastIndexOf("/") + 1);
}

/** The same place with another version at its end. */
export function withVersion(uri: string, version: string): string {
  return `${uri.slice(0, uri.lastIndexOf("/"))}/${version}`;
}

export const since = (instant: string): string => `since ${utc(instant)}`;
