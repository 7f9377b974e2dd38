/** Computes a file's sha256 piece by piece, away from the page's thread, in constant memory. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

const PIECE_BYTES = 8 << 20;

export type HashMessage = { done: number } | { digest: string } | { failed: string };

self.onmessage = async (message: MessageEvent<File>) => {
  const post = (answer: HashMessage) => self.postMessage(answer);
  try {
    const hash = sha256.create();
    for (let start = 0; start < message.data.size; start += PIECE_BYTES) {
      const piece = message.data.slice(start, start + PIECE_BYTES);
      hash.update(new Uint8Array(await piece.arrayBuffer()));
      post({ done: Math.min(start + PIECE_BYTES, message.data.size) });
    }
    post({ digest: `sha256:${bytesToHex(hash.digest())}` });
  } catch (error) {
    post({ failed: error instanceof Error ? error.message : String(error) });
  }
};
