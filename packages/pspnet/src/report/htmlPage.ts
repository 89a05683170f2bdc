import { escapeMarkup } from "./markup.js";

export interface HtmlPageParts {
  readonly title: string;
  /** Label and value of what stands first. */
  readonly summary: readonly (readonly [label: string, value: string])[];
  readonly style: string;
  /** Markup below the summary. */
  readonly body: string;
}

/** A page that needs nothing from elsewhere. */
export function htmlPage({ title, summary, style, body }: HtmlPageParts): string {
  const name = escapeMarkup(title);
  const figures = summary.map(([label, value]) => `<div><b>${escapeMarkup(value)}</b>${escapeMarkup(label)}</div>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${name}</title>
<style>${style}</style>
</head>
<body>
<h1>${name}</h1>
<div class="summary">${figures.join("")}</div>
${body}
</body>
</html>
`;
}
