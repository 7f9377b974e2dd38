// Prints the JavaScript the page loads, compressed, and fails above the budget of 350 kB.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_KB = 350;
const assets = resolve(dirname(fileURLToPath(import.meta.url)), "../dist/assets");
let total = 0;
for (const name of readdirSync(assets).filter((name) => name.endsWith(".js")).sort()) {
  const kilobytes = gzipSync(readFileSync(resolve(assets, name)), { level: 9 }).length / 1000;
  total += kilobytes;
  console.log(`${kilobytes.toFixed(1).padStart(8)} kB  ${name}`);
}
console.log(`${total.toFixed(1).padStart(8)} kB  JavaScript, gzip (budget ${BUDGET_KB} kB)`);
if (total > BUDGET_KB) process.exit(1);
