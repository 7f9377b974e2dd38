import { expect, it, vi } from "vitest";

vi.stubGlobal("window", { location: { search: "" }, addEventListener: vi.fn() });
const { canarySaid, conditionSaid, gateFigures, progressOf, queueSaid, readiness, rejectionStands, replicasSaid, shortDigests, stateOf, trainingSaid, withVersion } = await import("./sentences");

type DetectorResource = Parameters<typeof readiness>[0];
type TrainingJob = Parameters<typeof stateOf>[0];
type Condition = Parameters<typeof conditionSaid>[0];

const said = (type: string, status: Condition["status"], message = "") => ({ type, status, message, reason: "Because", lastTransitionTime: "2026-11-28T20:00:00Z" }) as Condition;
const detector = (conditions: Condition[], spec: object = {}, status: object = {}) =>
  ({ metadata: { name: "crowns" }, spec: { suspend: false, rollout: { retry: 0 }, model: { storageUri: "s3://vedette/models/crowns/1.5.0" }, ...spec }, status: { conditions, ...status } }) as unknown as DetectorResource;
const training = (status: object, spec: object = {}) => ({ metadata: { name: "t" }, spec: { retry: 0, ...spec }, status: { conditions: [], ...status } }) as unknown as TrainingJob;
const DIGEST = `sha256:5a5a5a5a${"0".repeat(56)}`;

it.each([
  ["Ready", "True", "good", "Ready"],
  ["Ready", "False", "bad", "Not ready"],
  ["Degraded", "True", "bad", "Degraded"],
  ["Degraded", "False", "quiet", "Not degraded"],
  ["Progressing", "True", "quiet", "A version is on its way"],
  ["EngineReady", "Unknown", "busy", "The engine is ready: not known yet"],
  ["Warmed", "False", "bad", "Not Warmed"],
] as const)("says %s %s as %s: %s", (type, status, tone, word) => {
  expect(conditionSaid(said(type, status))).toMatchObject({ tone, word });
});

it("says first what is wrong with a detector that works all the same", () => {
  expect(readiness(detector([]))).toMatchObject({ tone: "busy" });
  expect(readiness(detector([said("Ready", "True", "2 of 2"), said("Degraded", "True", `f1 is low on ${DIGEST}.`)]))).toEqual({ tone: "bad", word: "Ready, degraded", sentence: "f1 is low on sha256:5a5a5a5a…" });
  expect(readiness(detector([said("Ready", "False", "No pod yet."), said("Progressing", "True")]))).toEqual({ tone: "busy", word: "Not ready", sentence: "No pod yet." });
  expect(readiness(detector([said("Ready", "False", "Suspended.")], { suspend: true }))).toMatchObject({ tone: "quiet", word: "Suspended" });
});

it("counts a failed training as pending once a retry is asked for", () => {
  expect(stateOf(training({ state: "Failed", retry: 0 }))).toBe("Failed");
  expect(stateOf(training({ state: "Failed", retry: 0 }, { retry: 1 }))).toBe("Pending");
  expect(stateOf(training({}))).toBe("Pending");
  expect(trainingSaid(training({ state: "Failed", retry: 0, conditions: [said("Failed", "True", "No room.")] }))).toEqual({ tone: "bad", word: "Failed", sentence: "No room." });
});

it("says how far a training is, and how long it takes while it goes on", () => {
  const told = { trainerStatus: { progressPercentage: 62, estimatedRemainingSeconds: 840, metrics: [] } };
  expect(progressOf(training({ state: "Running", ...told }))).toEqual({ fraction: 0.62, left: "14\u202fmin 0\u202fs left" });
  expect(progressOf(training({ state: "Complete", ...told }))?.left).toBe("");
  expect(progressOf(training({}))).toBeNull();
});

it("writes figures", () => {
  expect(gateFigures({ metric: "f1", snapshot: DIGEST, state: "Failed", value: 0.41, required: 0.8 })).toBe("f1 0.41, at least 0.80 wanted");
  expect(gateFigures({ metric: "ap", snapshot: DIGEST, state: "Pending" })).toBe("ap not measured yet");
  expect(canarySaid(detector([], {}, { canary: { version: "1.5.0", percent: 0, gates: [] } }).status)).toBe("1.5.0, no runs yet");
  expect(replicasSaid(detector([], {}, { replicas: { desired: 3, ready: 1, unschedulable: 2 } }).status)).toBe("1 of 3, 2 without a node");
  expect(queueSaid(detector([], {}, { queue: { pendingMegapixels: 1284, oldestQueuedAt: "2026-11-28T20:00:00Z" } }).status, Date.parse("2026-11-28T20:01:05Z"))).toBe("1\u202f284\u202fMpx, for 1\u202fmin 5\u202fs");
});

it("lets a rejection stand until it is answered", () => {
  const rejected = { rejected: { version: "1.5.0", retry: 0 } };
  expect(rejectionStands(detector([], {}, rejected))).toBe(true);
  expect(rejectionStands(detector([], { rollout: { retry: 1 } }, rejected))).toBe(false);
  expect(rejectionStands(detector([], { model: { storageUri: "s3://vedette/models/crowns/1.6.0" } }, rejected))).toBe(false);
});

it("keeps the place of a package when its version changes", () => {
  expect(withVersion("s3://vedette/models/crowns/1.4.0", "1.5.0")).toBe("s3://vedette/models/crowns/1.5.0");
  expect(shortDigests(`on ${DIGEST} and more`)).toBe("on sha256:5a5a5a5a… and more");
});
