/** What the charts are drawn with, out of echarts: scripts/pack.mjs puts this file and all that it imports into one. */
import { BarChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import {
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  MarkPointComponent,
  TitleComponent,
  VisualMapContinuousComponent,
} from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

/** echarts' `init`, which then knows the charts that are drawn here. */
export function echartsInit(): typeof init {
  use([BarChart, HeatmapChart, LineChart, ScatterChart, SVGRenderer]);
  use([GridComponent, LegendComponent, MarkLineComponent, MarkPointComponent, TitleComponent]);
  use([VisualMapContinuousComponent]);
  return init;
}
