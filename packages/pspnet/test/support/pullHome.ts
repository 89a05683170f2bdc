import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";

/** Where pulled weights are kept during each test, empty at first: the folder is known within one. */
export function pullHome(): { readonly folder: string } {
  const home = { folder: "" };
  beforeEach(async () => {
    home.folder = await mkdtemp(join(tmpdir(), "pspnet-home-"));
    vi.stubEnv("PSPNET_HOME", home.folder);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(home.folder, { recursive: true, force: true });
  });
  return home;
}
