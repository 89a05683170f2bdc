import { htmlPage } from "../report/htmlPage.js";
import { escapeMarkup } from "../report/markup.js";
import type { ServedModel } from "./networkMessages.js";
import type { OpenApi, Operation } from "./openApi.js";

const STYLE = `
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
.summary { display: flex; gap: 3em; flex-wrap: wrap } .summary b { display: block; font-size: 1.8em }
h2 { margin: 2em 0 .4em; font-size: 1.1em } table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .2em 1em .2em 0; border-top: 1px solid #8884 } th { font-weight: 600; width: 9em }
code, pre { font: 13px/1.5 ui-monospace, monospace } pre { background: #8882; padding: 1em; overflow: auto }
`;

/** What the server does and how it is asked, on a page without scripts or anything from elsewhere. */
export function apiPage({ info, paths }: OpenApi, models: readonly ServedModel[]): string {
  const summary = models.map(({ name, classes }) => [`${classes.names.length} classes`, name] as const);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => section(`${method.toUpperCase()} ${path}`, operation)),
  );
  const body = [
    `<p>${escapeMarkup(info.description)}</p>`,
    `<pre>curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' -H 'Accept: image/png; view=overlay' -o overlay.png <i>this server</i>/v1/segment</pre>`,
    ...operations,
    `<p><a href="/openapi.json">openapi.json</a> says the same for programs.</p>`,
  ];
  return htmlPage({ title: info.title, summary, style: STYLE, body: body.join("\n") });
}

function section(
  heading: string,
  { summary, description, parameters = [], requestBody, responses }: Operation,
): string {
  const asked = parameters.map(({ name, description }) => [`?${name}=`, description] as const);
  const sent = Object.keys(requestBody?.content ?? {}).join(", ");
  const answered = Object.entries(responses).map(([status, { description }]) => [status, description] as const);
  const rows = [...asked, ...(sent === "" ? [] : [["body", sent] as const]), ...answered];
  const cells = rows.map(([head, text]) => `<tr><th>${escapeMarkup(head)}</th><td>${escapeMarkup(text)}</td></tr>`);
  const words = [summary, description].filter((text) => text !== undefined).join(". ");
  return `<h2><code>${escapeMarkup(heading)}</code></h2>\n<p>${escapeMarkup(words)}</p>\n<table>${cells.join("\n")}</table>`;
}
