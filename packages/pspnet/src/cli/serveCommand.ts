import { Command } from "commander";
import { LIMITS } from "../server/options.js";
import { amount, examples, integer, positive } from "./options.js";
import { withNetwork } from "./protocolFlags.js";

const MILLION = 1_000_000;

export function serveCommand(): Command {
  return withNetwork(
    new Command("serve")
      .description(
        "segment photographs over HTTP: index PNG, colours, overlay or JSON; the page at / shows it, /docs says how it is asked",
      )
      .argument(
        "<weights...>",
        "safetensors made by pspnet, or names that pspnet models --pull lists; name=weights for another ?model=",
      )
      .option("--host <address>", "where to listen; 0.0.0.0 or :: lets others ask", "127.0.0.1")
      .option("--port <n>", "0 takes any that is free", integer, 8080)
      .option("--queue <n>", "requests at once; more are answered with 503", positive, LIMITS.queue)
      .option("--deadline <seconds>", "of a request, to its answer", amount, LIMITS.deadline)
      .option("--max-body <MB>", "of a photograph's file", amount, LIMITS.maxBody / MILLION)
      .option("--max-pixels <millions>", "of a photograph", amount, Number((LIMITS.maxPixels / MILLION).toFixed(1)))
      .option("--rate <n>", "requests a second of one address (default: any number)", amount)
      .option("--allow-urls", "fetch photographs of addresses of the public network, too")
      .option("--jobs <redis-url>", "take jobs of many photographs, too, which pspnet work does")
      .option("--log <level>", "trace, debug, info, warn, error or silent, on standard error", "info"),
  )
    .addHelpText(
      "after",
      `${examples(
        "pspnet serve best.safetensors",
        "pspnet serve scenes",
        "pspnet serve ade20k-pspnet50 street=runs/street/weights/best.safetensors --port 80 --host 0.0.0.0",
        "PSPNET_TOKEN=secret pspnet serve best.safetensors --rate 5",
        "curl --data-binary @photo.jpg -H 'Accept: image/png' -o labels.png http://127.0.0.1:8080/v1/segment",
      )}\nPSPNET_TOKEN is what requests must then bring as Authorization: Bearer.\n`,
    )
    .action(async (weights: string[], options) => (await import("./serve.js")).serveUntilStopped(weights, options));
}
