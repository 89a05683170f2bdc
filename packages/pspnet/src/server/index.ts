// Photographs over HTTP
export { namedWeights } from "./namedWeights.js";
export { LIMITS, type NamedWeights, type ServedNetworkOptions, type ServerLimits } from "./options.js";
export type { ModelsJson, SegmentationJson } from "./schemas.js";
export { type PspnetServer, type ServeOptions, serve } from "./serve.js";
