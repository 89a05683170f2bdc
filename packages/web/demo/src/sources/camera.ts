import type { Photograph } from "../picture/photograph.js";

/** Frames are looked at in a copy anyway. */
const LONG_SIDE = 640;

/** What the browser says when there is no camera to be had, and what it means. */
const REFUSALS: Readonly<Record<string, string>> = {
  NotAllowedError: "The camera is not allowed here. Allow it in the browser's settings of this page",
  NotFoundError: "No camera was found. Connect one, or choose a picture",
  NotReadableError: "The camera is in use by another program. Close that, and try again",
};

/** A camera that is on. */
export class Camera {
  readonly #video: HTMLVideoElement;
  readonly #stream: MediaStream;

  private constructor(video: HTMLVideoElement, stream: MediaStream) {
    this.#video = video;
    this.#stream = stream;
  }

  /** @throws Error saying what is in the way. */
  static async open(): Promise<Camera> {
    if (!navigator.mediaDevices) throw new Error("Cameras need a page that is served over https, or from localhost");
    let stream: MediaStream | undefined;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      const video = Object.assign(document.createElement("video"), {
        srcObject: stream,
        muted: true,
        playsInline: true,
      });
      await video.play();
      return new Camera(video, stream);
    } catch (cause) {
      stop(stream);
      const { name, message } = cause as Error;
      throw new Error(REFUSALS[name] ?? `The camera does not start: ${message}`, { cause });
    }
  }

  /** What it sees now. */
  async frame(): Promise<Photograph> {
    const { videoWidth, videoHeight } = this.#video;
    const factor = Math.min(1, LONG_SIDE / Math.max(videoWidth, videoHeight));
    const [resizeWidth, resizeHeight] = [videoWidth, videoHeight].map((side) => Math.round(factor * side));
    const bitmap = await createImageBitmap(this.#video, { resizeWidth, resizeHeight });
    return { name: "Camera", file: null, bitmap };
  }

  close(): void {
    stop(this.#stream);
    this.#video.srcObject = null;
  }
}

function stop(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
