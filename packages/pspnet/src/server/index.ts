// Photographs over HTTP
export { type PspnetWorker, type WorkOptions, work } from "../jobs/work.js";
export { namedWeights } from "./namedWeights.js";
export { LIMITS, type NamedWeights, type ServedNetworkOptions, type ServerLimits } from "./options.js";
export type { JobJson, ModelsJson, SegmentationJson } from "./schemas.js";
export { type PspnetServer, type ServeOptions, serve } from "./serve.js";
