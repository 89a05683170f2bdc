import { load, toImageData } from "@pspnet/web";

const net = await load("best.safetensors");
const { areas, overlay } = await net.segment(document.querySelector("img")!);
const canvas = Object.assign(document.querySelector("canvas")!, { width: overlay.width, height: overlay.height });
canvas.getContext("2d")!.putImageData(toImageData(overlay), 0, 0);
console.log(areas[0].name, net.backend);
