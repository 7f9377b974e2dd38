/** Choosing files by the browser's own window, from a button, a key or the palette. */
import { getAddress } from "../state/navigation";
import { addFiles } from "../upload/queue";

export function pickFiles(): void {
  const dataset = getAddress().dataset;
  if (dataset === null) return;
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.onchange = () => addFiles(dataset, [...(input.files ?? [])]);
  input.click();
}
