import { expect, it } from "vitest";
import type { Detector } from "../api/client";
import type { DetectorResource, TrainingJob } from "../resources/types";
import { baseOf, blamed, draftFor, firstChoice, jobFrom, jobName } from "./job";

const resource = (spec: object = {}, status: object = {}) =>
  ({
    metadata: { name: "crowns", namespace: "vedette" },
    spec: { model: { storageUri: "s3://vedette/models/crowns/1.4.0", digest: "sha256:b" }, rollout: { gates: [], retry: 0 }, resources: {}, nodeSelector: {}, tolerations: [], ...spec },
    status: { conditions: [], ...status },
  }) as unknown as DetectorResource;
const manifest = { title: "Tree crowns", licence: "Apache-2.0", metrics: { "test/f1@0.5": 0.5199, "validation/ap": 0.14 }, input: { tile_size: 512, gsd_metres: { minimum: 0.07, nominal: 0.1, maximum: 0.15 } } };
const known = [{ name: "crowns", version: "1.4.0", manifest }, { name: "crowns", version: "1.10.0", manifest }, { name: "ships", version: "9.0.0", manifest }] as unknown as Detector[];

it("asks for what serves at least, in the version after all there are", () => {
  expect(draftFor(baseOf(resource(), known), known, [])).toEqual({ metric: "f1", minimum: "0.52", epochs: "30", version: "1.11.0" });
  const coming = { spec: { publish: { model: "crowns", version: "1.11.0" } } } as TrainingJob;
  expect(draftFor(baseOf(resource(), known), known, [coming]).version).toBe("1.12.0");
});

it("asks for what a gate asks, where there is one", () => {
  const gated = resource({ rollout: { gates: [{ metric: "recall", minimum: 0.75, snapshot: "sha256:c" }] } });
  expect(draftFor(baseOf(gated, known), known, [])).toMatchObject({ metric: "recall", minimum: "0.75" });
});

it("begins with the version that serves, not with one that is still on its way", () => {
  const rolling = resource({}, { currentVersion: "1.4.0", currentStorageUri: "s3://vedette/models/crowns/1.4.0", currentDigest: "sha256:a" });
  const job = jobFrom(baseOf(rolling, known), { metric: "f1", minimum: "0,8", epochs: "12", version: "1.11.0" }, { train: "sha256:1", validation: "sha256:2" }, []);
  expect(job.metadata.name).toBe("crowns-1-11-0");
  expect(job.spec).toEqual({
    dataset: { train: "sha256:1", validation: "sha256:2" },
    from: { storageUri: "s3://vedette/models/crowns/1.4.0", digest: "sha256:a" },
    configuration: { inline: { licence: "Apache-2.0", epochs: 12, title: "Tree crowns", gsd_metres: { minimum: 0.07, nominal: 0.1, maximum: 0.15 }, tile_size: 512 } },
    goal: { metric: "f1", minimum: 0.8 },
    publish: { model: "crowns", version: "1.11.0", detectorRef: { name: "crowns" } },
  });
});

it("trains on the nodes and cards of its detector", () => {
  const placed = resource({ resources: { limits: { "nvidia.com/gpu": 1, memory: "8Gi" } }, nodeSelector: { pool: "gpu" } });
  const { spec } = jobFrom(baseOf(placed, known), { metric: "f1", minimum: "x", epochs: "", version: "2.0.0" }, { train: "a", validation: "b" }, []);
  expect(spec.resourcesPerNode).toEqual({ limits: { "nvidia.com/gpu": 1 } });
  expect(spec.nodeSelector).toEqual({ pool: "gpu" });
  // What is no number is sent as it was typed: the API says what is wrong with it, beside the field.
  expect([spec.goal?.minimum, spec.configuration.inline.epochs]).toEqual(["x", ""]);
});

it("finds a name that is free and not too long", () => {
  expect(jobName("crowns", "1.5.0", ["crowns-1-5-0", "crowns-1-5-0-2"])).toBe("crowns-1-5-0-3");
  expect(jobName("c".repeat(43), "1.5.0", [])).toHaveLength(43);
  expect(jobName("crowns", "1.5.0-rc.1+", [])).toBe("crowns-1-5-0-rc-1");
});

it.each([
  ["spec.goal.minimum: should be less than or equal to 1.", { field: "minimum", said: "should be less than or equal to 1." }],
  ["The request was not understood. body.spec.publish.version: give a semantic version.", { field: "version", said: "give a semantic version." }],
  ["spec.configuration.inline.epochs: must be of type integer.", { field: "epochs", said: "must be of type integer." }],
  ["spec.nodeSelector: no such label.", null],
])("puts %j beside its field", (detail, expected) => {
  expect(blamed(detail)).toEqual(expected);
});

it("offers the detector whose run is shown first", () => {
  const other = { ...resource(), metadata: { name: "ships" } } as DetectorResource;
  expect(firstChoice([resource(), other], "ships")).toBe(other);
  expect(firstChoice([resource(), other], null)?.metadata.name).toBe("crowns");
  expect(firstChoice([], null)).toBeNull();
});
