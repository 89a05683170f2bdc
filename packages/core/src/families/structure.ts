import type { State, StateTensor } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";
import type { GivenParts } from "../model/parts.js";
import { paperCrop } from "../presets/preset.js";
import { type Convolution, type Layers, layersOf, nameOf } from "./convolutions.js";
import type { Assumption, Change, Family, Fate } from "./family.js";
import { type FoundPyramid, pyramidStructure } from "./pyramidStructure.js";
import { type FoundResNet, outputsOf, residualStructure } from "./residualStructure.js";
import { BINS, resNetFields } from "./shapes.js";

/** What a checkpoint's tensors are taken for. */
interface Taken {
  readonly backbone: FoundResNet;
  readonly pyramid: FoundPyramid;
  /** By the names in the file. */
  readonly fates: ReadonlyMap<string, Fate>;
}

/** For a family asks of each tensor anew. */
const takes = new WeakMap<State, Taken | string>();

function takeOf(all: State): Taken | string {
  const found = takes.get(all) ?? take(all);
  takes.set(all, found);
  return found;
}

function take(all: State): Taken | string {
  const layers = layersOf(all);
  const backbone = residualStructure(layers.convolutions);
  if (typeof backbone === "string") return backbone;
  const own = new Set([...backbone.stem, ...backbone.stages.flat().flatMap(convolutionsOf)]);
  const rest = layers.convolutions.filter((one) => !own.has(one));
  const copies = copiesOf(own, rest, all);
  const heads = rest.filter((one) => !copies.has(one));
  const pyramid = pyramidStructure(
    heads,
    backbone.stages.map((blocks) => outputsOf(blocks[0])),
  );
  if (typeof pyramid === "string") return pyramid;
  return { backbone, pyramid, fates: fatesOf({ backbone, pyramid, layers, copies, all }) };
}

function convolutionsOf({ path, shortcut }: FoundResNet["stages"][number][number]): Convolution[] {
  return shortcut ? [...path, shortcut] : [...path];
}

/** Convolutions that stand in the file twice, as where a backbone's parts were given names of their own. */
function copiesOf(own: ReadonlySet<Convolution>, rest: readonly Convolution[], all: State): ReadonlySet<Convolution> {
  const weight = ({ path }: Convolution) => all.get(nameOf(path, "weight"))!;
  const shape = (one: Convolution) => weight(one).shape.join();
  const [owned, others] = [new Set([...own].map(shape)), new Set(rest.map(shape))];
  const inBoth = (one: Convolution) => owned.has(shape(one)) && others.has(shape(one));
  const alike = new Map([...own].filter(inBoth).map((one) => [digest(weight(one)), weight(one)]));
  return new Set(rest.filter((one) => inBoth(one) && equal(weight(one), alike.get(digest(weight(one))))));
}

/** What equal tensors have alike, and others hardly. */
function digest(tensor: StateTensor): string {
  return `${tensor.shape} ${tensor.float32().reduce((sum, value, i) => sum + value * (1 + (i % 127)), 0)}`;
}

function equal(a: StateTensor, b: StateTensor | undefined): boolean {
  if (b === undefined) return false;
  const [x, y] = [a.float32(), b.float32()];
  return x.every((value, i) => value === y[i]);
}

/** Tensors of convolutions and batch norms. */
const LEAVES = ["weight", "bias", "running_mean", "running_var"];

interface Parts extends Pick<Taken, "backbone" | "pyramid"> {
  readonly layers: Layers;
  readonly copies: ReadonlySet<Convolution>;
  readonly all: State;
}

const UNUSED = "stands in a stage behind those that the pyramid looks at";
const COPY = "stands in the file twice";
const AUXILIARY = "belongs to an auxiliary classifier of another form than those here, which predictions leave out";
const IMAGE = "tells classes of whole images apart";

function fatesOf({ backbone, pyramid, layers, copies, all }: Parts): Map<string, Fate> {
  const fates = new Map<string, Fate>();
  const put = (one: Convolution, convolution: string, norm: string) => {
    for (const [name, fate] of placed(one, { convolution, norm, all })) fates.set(name, fate);
  };
  const drop = (path: string | null, why: string) => {
    if (path !== null) for (const leaf of LEAVES) fates.set(nameOf(path, leaf), { drop: why });
  };
  for (const [i, one] of backbone.stem.entries()) put(one, `layer0.${3 * i}`, `layer0.${3 * i + 1}`);
  for (const [stage, blocks] of backbone.stages.entries())
    for (const [i, block] of blocks.entries()) {
      const name = `layer${stage + 1}.${i}`;
      for (const [j, one] of block.path.entries()) put(one, `${name}.conv${j + 1}`, `${name}.bn${j + 1}`);
      if (block.shortcut) put(block.shortcut, `${name}.downsample.0`, `${name}.downsample.1`);
      if (stage > pyramid.stage)
        for (const { path, norm } of convolutionsOf(block)) for (const one of [path, norm]) drop(one, UNUSED);
    }
  const { levels, head, auxiliary } = pyramid;
  for (const [i, one] of levels.entries()) put(one, `ppm.features.${i}.1`, `ppm.features.${i}.2`);
  put(head.convolution, "cls.0", "cls.1");
  put(head.classifier, `cls.${classifierPlace(head.convolution)}`, "");
  if (auxiliary) {
    put(auxiliary.convolution, "aux.0", "aux.1");
    put(auxiliary.classifier, "aux.4", "");
  }
  for (const { path, norm } of copies) for (const one of [path, norm]) drop(one, COPY);
  const classes = head.classifier.outputs;
  const left = layers.convolutions.filter(({ path }) => !fates.has(nameOf(path, "weight")));
  if (areAuxiliary(left, backbone, classes))
    for (const { path, norm } of left) for (const one of [path, norm]) drop(one, AUXILIARY);
  for (const path of layers.others) if (all.get(nameOf(path, "weight"))?.shape.length === 2) drop(path, IMAGE);
  return fates;
}

/** Whether convolutions lead from the backbone's features to logits beside the head. */
function areAuxiliary(left: readonly Convolution[], { stages }: FoundResNet, classes: number): boolean {
  const sources = new Set([...stages.map((blocks) => outputsOf(blocks[0])), ...left.map(({ outputs }) => outputs)]);
  const sinks = new Set([classes, ...left.map(({ inputs }) => inputs)]);
  const leads = left.every(({ inputs, outputs }) => sources.has(inputs) && sinks.has(outputs));
  return leads && left.some(({ outputs }) => outputs === classes);
}

/** Behind convolution, batch norm if there is one, ReLU and dropout. */
function classifierPlace({ norm }: Convolution): 3 | 4 {
  return norm === null ? 3 : 4;
}

interface Place {
  readonly convolution: string;
  readonly norm: string;
  readonly all: State;
}

/** A convolution and its batch norm under our names. A bias between them is taken off the mean, for convolutions here have none. */
function* placed({ path, norm, biased }: Convolution, place: Place): Generator<[string, Fate]> {
  const bias = nameOf(path, "bias");
  yield [nameOf(path, "weight"), { name: `${place.convolution}.weight` }];
  if (biased)
    yield [bias, norm === null ? { name: `${place.convolution}.bias` } : { drop: `is in ${norm}.running_mean` }];
  if (norm === null) return;
  for (const leaf of LEAVES) {
    const moved = leaf === "running_mean" && biased;
    const change = moved ? { change: less(place.all.get(bias)!, bias) } : {};
    yield [nameOf(norm, leaf), { name: `${place.norm}.${leaf}`, ...change }];
  }
}

function less(bias: StateTensor, name: string): Change {
  return {
    how: `${name} taken off`,
    apply: (mean) => ({
      shape: mean.shape,
      dtype: mean.dtype,
      float32: () => {
        const shift = bias.float32();
        return mean.float32().map((value, i) => value - shift[i]);
      },
    }),
  };
}

/** What shapes tell of the network, and the rest as most have it. */
function fieldsOf({ backbone, pyramid }: Taken, state: State): GivenParts {
  const { levels, head, auxiliary, stage } = pyramid;
  const outputs = outputsOf(backbone.stages[stage][0]);
  const width = levels[0].outputs;
  const normed = levels.map(({ norm }) => norm !== null);
  const norm = normed.every(Boolean) ? "all" : normed.some(Boolean) ? "above1" : "none";
  return {
    backbone: {
      ...resNetFields(state),
      stages: (stage + 1) as 2 | 3 | 4,
      ...(stage < 3 && { outputStride: (2 ** (stage + 2)) as 8 | 16 }),
      ...(isWhole(backbone) && { firstDilation: "halved" as const }),
      ...(isAveraged(backbone) && { shortcut: "average" as const }),
    },
    pyramid: {
      bins: BINS.slice(0, levels.length),
      ...(width !== Math.floor(outputs / levels.length) && { channels: width }),
      norm,
      bias: levels.some((one) => one.norm === null && one.biased) ? "unnormalised" : "none",
      relu: norm !== "none",
      features: norm === "all" ? "first" : "last",
    },
    head: {
      kind: head.convolution.kernel === 1 ? "conv1x1" : "conv3x3",
      channels: head.convolution.outputs,
      norm: head.convolution.norm !== null,
      bias: head.convolution.norm === null && head.convolution.biased,
      classifierKernel: head.classifier.kernel as 1 | 3,
    },
    auxiliary: auxiliary ? { channels: auxiliary.convolution.outputs } : { kind: "none" },
    upsampling: { sizes: "any" },
  };
}

/** Classifiers have biases here; where the file has none they are zeros. */
function biasesOf({ head, auxiliary }: FoundPyramid): State {
  const places = { [`cls.${classifierPlace(head.convolution)}.bias`]: head, "aux.4.bias": auxiliary };
  return new Map(
    Object.entries(places).flatMap(([name, found]) =>
      found && !found.classifier.biased ? [[name, zeros(found.classifier.outputs)] as const] : [],
    ),
  );
}

function zeros(length: number): StateTensor {
  return { shape: [length], dtype: "float32", float32: () => new Float32Array(length) };
}

/** Whether a ResNet was kept as torchvision has it, which dilates on request, rather than taken apart and dilated by hand. */
function isWhole({ stem, stages }: FoundResNet): boolean {
  return (
    stem.length === 1 &&
    /(^|\.)conv1$/.test(stem[0].path) &&
    /(^|\.)layer1\.0\.conv[12]$/.test(stages[0][0].path[0].path)
  );
}

/** Whether a module without weights stands before the convolution of strided shortcuts: ResNet-d's average. */
function isAveraged({ stages }: FoundResNet): boolean {
  return /\.1$/.test(stages[1][0].shortcut?.path ?? "");
}

const CORNERS = "most enlarge from corner to corner";

function assumptionsOf({ backbone, pyramid }: Taken): Assumption[] {
  const bottleneck = backbone.stages[0][0].path.length === 3;
  const normed = pyramid.levels.every(({ norm }) => norm !== null);
  const dilated = pyramid.stage === 3;
  const said: readonly (readonly [key: string, why: string, here?: boolean])[] = [
    ["backbone.strideIn", "most stride in the 3x3 convolution; Caffe's ResNet-50 in the 1x1", bottleneck],
    ["backbone.outputStride", "the paper's; strides have no weights"],
    [
      "backbone.firstDilation",
      isWhole(backbone)
        ? "torchvision dilates a stage's first convolution half"
        : "the official release dilates all blocks of a stage alike; others the first half (halved)",
      dilated,
    ],
    ["backbone.basicDilation", "most dilate both convolutions of a basic block alike", dilated && !bottleneck],
    [
      "backbone.shortcut",
      isAveraged(backbone)
        ? "what stands before a shortcut's convolution and has no weights is taken for ResNet-d's average"
        : "most stride in the shortcut's convolution; ResNet-d averages before it (average)",
    ],
    ["pyramid.bins", "the paper's"],
    ["pyramid.concatOrder", "most define levels from coarse to fine; Caffe's ports from fine to coarse (descending)"],
    [
      "pyramid.features",
      normed
        ? "most concatenate features before levels; some behind (last)"
        : "Lextal and segmentation_models, whose levels have no batch norm either, concatenate features behind levels",
    ],
    ["pyramid.alignCorners", CORNERS],
    ["upsampling.alignCorners", CORNERS],
    ["input.mean", "most take off ImageNet's mean and divide by its deviation"],
    ["input.channelOrder", "most look at red, green, blue; Caffe's ports at blue, green, red (bgr)"],
  ];
  return said.flatMap(([key, why, here = true]) => (here ? [{ key, why }] : []));
}

/**
 * Any PSPNet on a ResNet, whatever its modules are called: layers are told by their shapes, and by the order in which code defines
 * them, which PyTorch keeps.
 */
export const structure: Family = {
  name: "structure",
  title: "a PSPNet whose names are not known here, told by the shapes of its layers and their order",
  guesses: true,
  fate(name, _, all) {
    const taken = takeOf(all);
    return typeof taken === "string" ? null : (taken.fates.get(name) ?? null);
  },
  network(state, _, all) {
    const taken = takeOf(all);
    if (typeof taken === "string") throw new PspnetError("weights", taken);
    const classes = taken.pyramid.head.classifier.outputs;
    return {
      fields: fieldsOf(taken, state),
      classes,
      assumed: assumptionsOf(taken),
      crop: paperCrop(classes),
      added: biasesOf(taken.pyramid),
    };
  },
};
