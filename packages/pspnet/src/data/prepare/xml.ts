/** An element of XML with what is in it. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** The text straight in it, trimmed. */
  readonly text: string;
}

const TAG = /<(\/?)([\w:.-]+)([^<>]*)>|<[!?][^>]*>|([^<]+)/g;
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["amp", "&"],
  ["quot", '"'],
  ["apos", "'"],
]);

/**
 * The elements of a document, each before those that are in it. Enough of XML for what programs export: no document types, and no
 * entities but the five and those of numbers. What is not well formed gives fewer elements, and never an error.
 */
export function xmlElements(text: string): XmlElement[] {
  const all: XmlElement[] = [];
  const open: { name: string; children: XmlElement[]; text: string; attributes: Record<string, string> }[] = [];
  for (const [, closing, name, rest, between] of text.matchAll(TAG)) {
    if (between !== undefined) {
      const last = open.at(-1);
      if (last) last.text += unescaped(between).trim();
    } else if (name !== undefined && !closing) {
      const attributes = Object.fromEntries(
        [...rest.matchAll(ATTRIBUTE)].map(([, key, double, single]) => [key, unescaped(double ?? single)]),
      );
      const element = { name, attributes, children: [], text: "" };
      open.at(-1)?.children.push(element);
      all.push(element);
      if (!rest.trimEnd().endsWith("/")) open.push(element);
    } else if (name !== undefined) {
      const at = open.findLastIndex((element) => element.name === name);
      if (at >= 0) open.length = at;
    }
  }
  return all;
}

function unescaped(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{1,5}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES.get(name) ?? whole;
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
