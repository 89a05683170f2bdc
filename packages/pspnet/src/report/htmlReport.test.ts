import { ConfusionMatrix } from "@pspnet/core";
import { expect, test } from "vitest";
import { htmlReport } from "./htmlReport.js";

const evil = `"><script>alert('x')</script>&`;
const parts = {
  title: evil,
  summary: [[evil, evil]] as const,
  scores: new ConfusionMatrix(3, [3, 1, 0, 0, 4, 0, 0, 0, 0]).scores(),
  scored: evil,
  names: [evil, "sky", "yeti"],
  curvesSvg: `<svg id="curves"></svg>`,
  confusionSvg: `<svg id="confusion"></svg>`,
  pictures: ["pictures/val-1.png", `pictures/${evil}#1.png`, "javascript:alert(1)"],
  pictured: evil,
  plan: evil,
  config: `name: ${evil}`,
};

test("text from elsewhere is text: title, figures, headings, names, pictures, configuration", () => {
  const html = htmlReport(parts);
  expect(html).not.toContain("<script");
  expect(html).not.toMatch(/="[^"]*"[^ >/]/);
  expect(html).not.toContain('src="javascript:');
  expect(html.split("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;")).toHaveLength(12);
});

test("scores, plots and pictures are there", () => {
  const html = htmlReport(parts);
  expect(html).toContain(`<div class="fit"><svg id="curves"></svg></div>`);
  expect(html).toContain(`<svg id="confusion">`);
  expect(html).toContain(`<img src="pictures/val-1.png"`);
  expect(html).toContain(`%231.png`);
  expect(html).toContain(`<td>sky</td><td>80.00</td><td>100.00</td><td class="bar"><i style="width:80.00%"></i></td>`);
  expect(html).toContain(`<td>yeti</td><td>-</td><td>-</td>`);
});

test("a run without pictures or a plan has no heading for them", () => {
  expect(htmlReport({ ...parts, pictures: [] })).not.toContain("<h2>Pictures");
  expect(htmlReport({ ...parts, plan: null })).not.toContain("<h2>Plan");
});
