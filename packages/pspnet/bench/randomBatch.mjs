/** What a step trains on: noise of `size` x `size`, each pixel with a class of its own. */
export function randomBatch({ batch, size, classes }) {
  const pixels = batch * size * size;
  return {
    images: Float32Array.from({ length: 3 * pixels }, () => 2 * Math.random() - 1),
    labels: Uint8Array.from({ length: pixels }, () => Math.floor(classes * Math.random())),
    ids: [],
    shape: [batch, size, size],
    release: () => {},
  };
}
