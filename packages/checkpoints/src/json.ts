/**
 * The first key that stands twice in one object of `text`, or null. `JSON.parse` silently keeps the last one, so two
 * readers could see two different files.
 *
 * @param text Valid JSON.
 */
export function duplicateKey(text: string): string | null {
  const open: (Set<string> | null)[] = [];
  const token = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]/gs;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [found, colon] = match;
    if (found === "{") open.push(new Set());
    else if (found === "[") open.push(null);
    else if (found === "}" || found === "]") open.pop();
    else if (colon) {
      const key = JSON.parse(found.slice(0, -colon.length)) as string;
      const keys = open[open.length - 1]!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return null;
}
