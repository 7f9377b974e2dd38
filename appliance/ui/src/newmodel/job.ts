/** The TrainingJob that the form stands for: sensible defaults, and which field an error is about. Pure. */
import type { Detector } from "../api/client";
import type { NewOptions, NewTrainingJob } from "../resources/calls";
import { versionOf } from "../resources/sentences";
import { nextMinor } from "../resources/versions";
import type { DetectorResource, Metric, TrainingJob } from "../resources/types";

export const METRICS: readonly Metric[] = ["f1", "precision", "recall", "ap", "ap50"];

/** What is typed; as text, so that whatever is wrong with it is said by whoever knows. */
export interface Draft {
  metric: Metric;
  minimum: string;
  epochs: string;
  version: string;
}

/** What a new model begins with: the detector that it is for, and the package that serves there. */
export interface Base {
  resource: DetectorResource;
  /** What the appliance knows of that package; null: not this version. */
  package: Detector | null;
}

export interface Snapshots {
  train: string;
  validation: string;
  test?: string;
}

export function baseOf(resource: DetectorResource, known: readonly Detector[]): Base {
  const version = resource.status.currentVersion ?? versionOf(resource.spec.model.storageUri);
  const own = known.filter((each) => each.name === resource.metadata.name);
  return { resource, package: own.find((each) => each.version === version) ?? null };
}

const EPOCHS = 30;
const LITTLE = 0.5;

/** As good as what serves now, or as its gates ask; the next minor version after all there are. */
export function draftFor({ resource, package: base }: Base, known: readonly Detector[], trainings: readonly TrainingJob[]): Draft {
  const gate = resource.spec.rollout.gates.find((each) => each.minimum != null);
  const metric = gate?.metric ?? "f1";
  const minimum = gate?.minimum ?? measured(base, metric) ?? LITTLE;
  return { metric, minimum: minimum.toFixed(2), epochs: String(EPOCHS), version: nextVersion(resource, known, trainings) };
}

function nextVersion(resource: DetectorResource, known: readonly Detector[], trainings: readonly TrainingJob[]): string {
  const { name } = resource.metadata;
  const { status, spec } = resource;
  const asked = trainings.map(({ spec: { publish } }) => (publish?.model === name ? publish.version : null));
  const all = [versionOf(spec.model.storageUri), status.currentVersion, status.rejected?.version, ...known.filter((each) => each.name === name).map((each) => each.version), ...asked];
  return nextMinor(all.filter((each): each is string => typeof each === "string"));
}

/** What the package that serves was measured at; f1, precision and recall at an IoU of 0.5. */
export function measured(base: Detector | null, metric: Metric): number | null {
  const name = metric.startsWith("ap") ? metric : `${metric}@0.5`;
  const metrics = base?.manifest.metrics ?? {};
  return metrics[`test/${name}`] ?? metrics[`validation/${name}`] ?? null;
}

const LONGEST_NAME = 43;

/** `crowns-1-5-0`, and a number behind it where that is taken. */
export function jobName(model: string, version: string, taken: readonly string[]): string {
  const tail = `-${version.replaceAll(/[^0-9a-z]+/gi, "-").toLowerCase()}`.replace(/-+$/, "");
  for (let number = 1; ; number += 1) {
    const end = number === 1 ? tail : `${tail}-${number}`;
    const name = model.slice(0, LONGEST_NAME - end.length) + end;
    if (!taken.includes(name)) return name;
  }
}

export function jobFrom({ resource, package: base }: Base, draft: Draft, dataset: Snapshots, taken: readonly string[]): NewTrainingJob {
  const { name } = resource.metadata;
  const { spec, status } = resource;
  const { limits } = spec.resources;
  const cards = limits?.["nvidia.com/gpu"];
  return {
    apiVersion: "vedette.io/v1alpha1",
    kind: "TrainingJob",
    metadata: { name: jobName(name, draft.version, taken) },
    spec: {
      dataset,
      from: { storageUri: status.currentStorageUri ?? spec.model.storageUri, digest: status.currentDigest ?? spec.model.digest },
      configuration: { inline: options(base, draft) },
      goal: { metric: draft.metric, minimum: typed(draft.minimum) },
      // Where the detector needs a card, so does its training, and on the same nodes.
      ...(cards == null ? {} : { resourcesPerNode: { limits: { "nvidia.com/gpu": cards } } }),
      ...(Object.keys(spec.nodeSelector).length > 0 ? { nodeSelector: spec.nodeSelector } : {}),
      ...(spec.tolerations.length > 0 ? { tolerations: spec.tolerations } : {}),
      publish: { model: name, version: draft.version, detectorRef: { name } },
    },
  };
}

function options(base: Detector | null, { epochs }: Draft): NewOptions {
  const manifest = base?.manifest;
  const gsd = manifest?.input.gsd_metres;
  return {
    licence: manifest?.licence ?? "unknown",
    epochs: typed(epochs),
    ...(manifest?.title ? { title: manifest.title } : {}),
    ...(gsd ? { gsd_metres: { minimum: gsd.minimum, nominal: gsd.nominal, maximum: gsd.maximum } } : {}),
    ...(manifest && manifest.input.tile_size % 32 === 0 && manifest.input.tile_size <= 4096 ? { tile_size: manifest.input.tile_size } : {}),
  };
}

/** A number where it is one; else what was typed, for the API to say what is wrong with it. */
function typed(text: string): number {
  const value = Number(text.trim().replace(",", "."));
  return text.trim() !== "" && Number.isFinite(value) ? value : (text as unknown as number);
}

export type Field = keyof Draft;

const FIELDS: [path: RegExp, field: Field][] = [
  [/spec\.goal\.minimum/, "minimum"],
  [/spec\.goal\.metric/, "metric"],
  [/spec\.configuration\.inline\.epochs/, "epochs"],
  [/spec\.publish\.version/, "version"],
];

/** The field that a refusal names, and what it says of it; null where it names none of ours. */
export function blamed(detail: string): { field: Field; said: string } | null {
  for (const [path, field] of FIELDS) {
    const found = path.exec(detail);
    if (found) return { field, said: detail.slice(found.index + found[0].length).replace(/^[:\s]+/, "") };
  }
  return null;
}

/** The detector whose run is shown, else the first. */
export function firstChoice(resources: readonly DetectorResource[], shown: string | null): DetectorResource | null {
  return resources.find((each) => each.metadata.name === shown) ?? resources[0] ?? null;
}

