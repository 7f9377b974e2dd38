/** A dataset's name from what somebody typed. Pure. */

/** Lower case letters, digits and hyphens, beginning with a letter, at most 63 (contracts.base.Name); may be empty. */
export function nameFrom(title: string): string {
  const plain = title.normalize("NFKD").replaceAll(/[\u0300-\u036f]/g, "").toLowerCase();
  return plain.replaceAll(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+/, "").slice(0, 63).replace(/-+$/, "");
}
