// A route that segments photographs in a server of one's own.
//   npx tsx examples/honoRoute.ts best.safetensors
//   curl --data-binary @photo.jpg http://127.0.0.1:3000/segment
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { load, PspnetError } from "pspnet";

const net = await load(process.argv[2]);

export const app = new Hono().post("/segment", async (c) => {
  try {
    const { areas } = await net.segment(new Uint8Array(await c.req.arrayBuffer()));
    return c.json(areas);
  } catch (error) {
    if (error instanceof PspnetError && error.code === "data") return c.json({ error: error.message }, 422);
    throw error;
  }
});

const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env.PORT ?? 3000) }, ({ port }) =>
  console.log(`http://127.0.0.1:${port}/segment`),
);
process.once("SIGTERM", () => server.close(() => net.dispose()));
