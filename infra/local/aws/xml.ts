// XML as S3 and SNS answer it: elements only, no attributes besides the namespace.

export type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | XmlValue[]
  | { readonly [name: string]: XmlValue };

/** An array repeats its element; undefined leaves it out. */
export function xmlElement(name: string, value: XmlValue): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((item) => xmlElement(name, item)).join('');
  if (typeof value !== 'object') return `<${name}>${escaped(String(value))}</${name}>`;
  const inner = Object.entries(value).map(([child, childValue]) => xmlElement(child, childValue));
  return `<${name}>${inner.join('')}</${name}>`;
}

export function xmlDocument(root: string, namespace: string, value: XmlValue): string {
  const element = xmlElement(root, value);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element.replace(`<${root}>`, `<${root} xmlns="${namespace}">`)}`;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

// Control characters would end the document early in a strict parser; S3 keys may hold them.
const escaped = (text: string): string =>
  text
    .replace(/[&<>"]/g, (character) => ESCAPES[character] as string)
    .replace(/[\p{Cc}]/gu, (character) => `&#x${character.charCodeAt(0).toString(16)};`);
