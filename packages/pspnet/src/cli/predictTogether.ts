import { type Network, type ProtocolChoice, protocolOf } from "@pspnet/core";
import { fileDigest } from "../evaluation/fileDigest.js";
import type { FoundImages } from "../files/findImages.js";
import { checkSubmission } from "../files/submissions.js";
import { weightsFile } from "../pull/weightsFile.js";
import { agreeOn } from "../ranks/agreeOn.js";
import { gather } from "../ranks/gather.js";
import type { WorkOptions } from "../ranks/launchWork.js";
import { openTogether } from "../ranks/openTogether.js";
import { pullTogether } from "../ranks/pullTogether.js";
import { joinShares, type Share, shareOf } from "../ranks/share.js";
import { together } from "../ranks/together.js";
import { alone } from "../ranks/world.js";
import { counted } from "../report/counted.js";
import { Progress, type TextStream } from "../report/progress.js";
import { load } from "../segment/load.js";
import type { RuntimeOptions } from "../segment/openRuntime.js";
import { type FilmFlags, type FilmOutcome, predictFilms } from "./predictFilms.js";
import { type ImageFlags, type ImageOutcome, predictImages } from "./predictImages.js";

/** What is segmented, and how, as plain data. */
export interface PredictTask {
  readonly weights: string;
  readonly found: FoundImages;
  readonly network: RuntimeOptions & { readonly offline?: boolean };
  readonly choice: ProtocolChoice;
  readonly flags: ImageFlags & FilmFlags;
}

export type Outcome = ImageOutcome | FilmOutcome;

interface ShareOutcomes {
  readonly images: readonly ImageOutcome[];
  readonly films: readonly FilmOutcome[];
  /** Lines for people that the stream has not had. */
  readonly said: readonly string[];
}

/**
 * Segments images and films, of which each rank takes its share; the first one has the outcomes, images first.
 *
 * @throws PspnetError as `load` and `predictImages` do, on all ranks; "config" unless all have the same network and images.
 */
export async function predictTogether(task: PredictTask, options: WorkOptions): Promise<readonly Outcome[]> {
  const { world, signal, stream } = options;
  await pullTogether(world, task.weights, { ...task.network, signal, stream });
  await using net = await openTogether(world, () => open(task, stream), { signal });
  if (world.size > 1) await agreeOn(world, await shared(net, task), { command: "predict" });
  const share = { number: world.rank + 1, of: world.size };
  const shares = await gather(world, await predictShare(net, task, { ...options, share }));
  for (const line of shares.slice(1).flatMap(({ said }) => said)) stream.write(`${line}\n`);
  return [...joinShares(shares.map(({ images }) => images)), ...joinShares(shares.map(({ films }) => films))];
}

/** Segments one share, without knowing of the others. */
export async function predictApart(
  task: PredictTask,
  share: Share,
  options: Omit<WorkOptions, "world">,
): Promise<readonly Outcome[]> {
  await using net = await open(task, options.stream);
  const { images, films } = await predictShare(net, task, { ...options, world: alone, share });
  return [...images, ...films];
}

async function open({ weights, found, network, choice, flags }: PredictTask, stream: TextStream): Promise<Network> {
  const net = await load(weights, { ...network, ...choice, reproducible: true, stream });
  try {
    if (flags.submit) checkSubmission(flags.submit, found.images, net.classes);
    if (found.results > 0) stream.write(`left out ${counted(found.results, "picture")} that predict wrote\n`);
    return net;
  } catch (error) {
    await net.dispose();
    throw error;
  }
}

/** What all ranks must have alike. */
async function shared({ description }: Network, { weights, found, network, choice }: PredictTask) {
  const files = [...found.images, ...found.films].map(({ name }) => name);
  const digest = await fileDigest(await weightsFile(weights, network));
  return { weights: digest, "list of images": files, protocol: protocolOf(choice, description) };
}

interface ShareOptions extends WorkOptions {
  readonly share: Share;
}

/** This rank's share: of images, then of films. */
async function predictShare(
  net: Network,
  { found, flags }: PredictTask,
  { share, ...options }: ShareOptions,
): Promise<ShareOutcomes> {
  const { world, signal, stream } = options;
  const [mine, films] = [shareOf(found.images, share), shareOf(found.films, share)];
  const said: string[] = [];
  const images = await withLiveLine((live) => predictImages(net, mine, { flags, ...live }), {
    label: "predict",
    total: world.size > 1 ? found.images.length : mine.length,
    said,
    ...options,
  });
  if (world.size === 1) {
    const say = (line: string) => stream.write(`${line}\n`);
    return { images, films: await predictFilms(net, films, { flags, signal, stream, say }), said };
  }
  const ofFilms = { label: "predict films", total: found.films.length, said, ...options };
  const quiet = { write() {} };
  return {
    images,
    films: await withLiveLine((live) => predictFilms(net, films, { flags, stream: quiet, ...live }), ofFilms),
    said,
  };
}

interface Live {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly onDone: (done: number) => void;
}

interface LiveLineOptions extends WorkOptions {
  readonly label: string;
  /** Of all ranks. */
  readonly total: number;
  /** Takes what is said where there is no live line. */
  readonly said: string[];
}

/** Work of which all ranks do their shares, with one live line of all. */
async function withLiveLine<R>(
  work: (live: Live) => Promise<R>,
  { label, total, said, world, signal, stream }: LiveLineOptions,
): Promise<R> {
  const progress = new Progress(stream, { label, total });
  const tally = new Float64Array(1);
  const onDone = (count: number) => {
    tally[0] = count;
    if (world.size === 1) progress.update(count);
  };
  const onTally = ([sum]: Float64Array) => {
    if (sum > 0) progress.update(sum);
  };
  const say = (line: string) => (world.rank === 0 ? progress.log(line) : said.push(line));
  try {
    return await together(world, (either) => work({ signal: either, say, onDone }), { signal, tally, onTally });
  } finally {
    progress.finish();
  }
}
