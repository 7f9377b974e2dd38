/** Names of annotations: a detection's is always the same, so that judging it twice is judging it once. Pure. */
import { sha1 } from "@noble/hashes/legacy.js";

/** The UUID of version 5 (RFC 9562, 5.5) of the ordinal, in the namespace of its run's id. */
export function detectionAnnotation(run: string, ordinal: number): string {
  const namespace = Uint8Array.from(run.replaceAll("-", "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const name = new TextEncoder().encode(String(ordinal));
  return written(sha1(Uint8Array.from([...namespace, ...name])).slice(0, 16), 0x50);
}

/** A random one; crypto.randomUUID is there on secure origins alone. */
export function newAnnotation(): string {
  return written(crypto.getRandomValues(new Uint8Array(16)), 0x40);
}

function written(bytes: Uint8Array, version: number): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | version;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
