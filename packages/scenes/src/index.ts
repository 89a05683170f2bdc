export { sceneClasses, sceneLabels } from "./classes.js";
export { makeScene, type Scene, type SceneFamily, type SceneOptions, sceneFamilies } from "./scene.js";
