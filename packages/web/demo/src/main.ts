import modelUrl from "@pspnet/scenes/model.safetensors?url";
import { Demo } from "./demo.js";
import { inBrowser } from "./segmenters/inBrowser.js";
import { Server } from "./segmenters/server.js";
import { takeDropsAndPastes } from "./sources/givenFile.js";
import { samplePhotograph, samples } from "./sources/scenes.js";
import { showAppearance } from "./view/appearance.js";
import { showLegend } from "./view/legend.js";
import { showNetwork } from "./view/network.js";
import { choosePlace } from "./view/place.js";
import { showProgress } from "./view/progress.js";
import { offerSamples, showSources } from "./view/sources.js";
import { pointAtClasses, showSplit, showStage } from "./view/stage.js";

/** The network that comes with the packages. */
const BOXED = "scenes";

const boxed = inBrowser({ name: BOXED, weights: modelUrl });
const demo = new Demo(boxed);
showStage(demo.store);
pointAtClasses(demo.store);
showSplit(demo.store);
showLegend(demo.store);
showAppearance(demo);
showProgress(demo);
showNetwork(demo, BOXED);
showSources(demo);
takeDropsAndPastes((file) => void demo.take(file));

if (import.meta.env.MODE === "served") await choosePlace(demo, new Server(), boxed);
const first = await samplePhotograph(samples(0)[0]);
if (demo.store.state.photograph === null) void demo.show(first);
offerSamples(demo);
