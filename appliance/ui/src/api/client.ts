/** The typed client of the API. Used by api/queries.ts and upload/; knows nothing of React. */
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type Annotation = Schemas["Annotation"];
export type Dataset = Schemas["DatasetView"];
export type Detector = Schemas["Detector"];
export type Evaluation = Schemas["Evaluation"];
export type Histogram = Schemas["Histogram"];
export type Item = Schemas["Item"];
export type Reason = Schemas["Reason"];
export type Run = Schemas["Run"];
export type SceneInfo = Schemas["SceneInfo"];
export type Session = Schemas["SessionView"];
export type Status = Schemas["StatusView"];
export type Upload = Schemas["Upload"];
export type UploadPart = Schemas["UploadPart"];
export type Worker = Schemas["ListedWorker"];

export const client = createClient<paths>({ baseUrl: "/" });

/** What went wrong, for a person: one sentence and its remedy (RFC 9457 problem document of the API). */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly remedy: string,
    /** All that was answered: some problems carry more. */
    readonly document: Record<string, unknown> = {},
  ) {
    super(detail);
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of an answer, or a ProblemError that says what to do. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch {
    throw new ProblemError(0, "The appliance does not answer.", "Check that it is running and that this machine can reach it; the page tries again by itself.");
  }
  if (!answer.response.ok) throw problem(answer.response.status, answer.error);
  return answer.data as T;
}

export function problem(status: number, body: unknown): ProblemError {
  const document = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const detail = typeof document.detail === "string" ? document.detail : `The appliance answered ${status}.`;
  const remedy = typeof document.remedy === "string" ? document.remedy : "";
  return new ProblemError(status, detail, remedy, document);
}

/** Every element of a list that comes in pages. */
export async function everyPage<T>(page: (cursor: string | undefined) => Promise<{ items: T[]; next?: string | null }>): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const { items, next } = await page(cursor);
    all.push(...items);
    cursor = next ?? undefined;
  } while (cursor !== undefined && all.length < MOST);
  return all;
}

/** More rows than a person scrolls through; the rest is found by searching, not by listing. */
const MOST = 5000;
