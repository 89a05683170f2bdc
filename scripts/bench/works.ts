/** What is measured: each work a few commands that run in turns, and the rows that compare two of them. */

/** One side of a comparison: words of a command; `python`, {@link BEFORE} and {@link INT8} stand for what differs by machine. */
export interface Case {
  readonly name: string;
  readonly words: readonly string[];
  /** Its instructions cannot be limited as libtorch's can. */
  readonly unlimited?: true;
}

/** By what instructions a processor multiplies. */
export type Level = "avx2" | "avx512" | "amx";

export interface Row {
  /** What ours is compared with. */
  readonly against: string;
  readonly ours: string;
  /** Ids of cases: the fastest of them counts. */
  readonly theirs: readonly string[];
  /** Multiply-adds whose time at the rate of `theirs`, which are matrix products, is what ours is compared with. */
  readonly macs?: number;
  /** Our time shall be at most so much of theirs. */
  readonly aims?: Partial<Readonly<Record<Level, number>>>;
}

export interface Work {
  readonly id: string;
  readonly title: string;
  readonly precision: "fp32" | "bf16";
  /** Runs of a turn: a turn's time is their median. */
  readonly runs: number;
  /** Rounds at most. */
  readonly rounds?: number;
  readonly cases: Readonly<Record<string, Case>>;
  readonly rows: readonly Row[];
}

/** A build of the commit before Winograd's convolutions. */
export const BEFORE = "../before";
/** A PSPNet-50 of random weights, quantised. */
export const INT8 = "net.int8.safetensors";

/**
 * Multiply-adds that PSPNet-50, 150 classes, 473x473, takes at least with the factorised head: `pspnet models` counts 128e9, so what is
 * made of these is the smaller time.
 */
export const IMAGE_MACS = 118e9;

type Precision = Work["precision"];

const node = (script: string, ...flags: string[]) => ["node", `packages/pspnet/bench/${script}.mjs`, ...flags];
const python = (script: string, ...flags: string[]) => ["python", `scripts/peers/${script}.py`, ...flags];

function before(words: readonly string[]): Case {
  return { name: "pspnet before", words: [...words, "--build", BEFORE] };
}

function image(precision: Precision): Work {
  const ours = node("segment", "--precision", precision);
  const theirs = (engine: string) => python("image", "--engine", engine, "--dtype", precision);
  const runtimes = precision === "fp32" ? ["onnxruntime", "openvino", "compile"] : ["openvino", "compile"];
  const ofBefore = precision === "fp32" ? { avx2: 0.55, avx512: 0.3 } : { avx512: 0.6, amx: 0.6 };
  return {
    id: `image-${precision}`,
    title: `one image to labels, ${precision}`,
    precision,
    runs: 3,
    cases: {
      product: { name: "matrix product in the plan", words: node("product", "--precision", precision) },
      productPytorch: { name: "matrix product in PyTorch", words: theirs("product") },
      ours: { name: "pspnet", words: ours },
      int8: { name: "pspnet, int8", words: node("segment", "--weights", INT8, "--precision", "int8") },
      before: before(ours),
      pytorch: { name: "PyTorch", words: theirs("pytorch") },
      ...(precision === "fp32" && {
        onnxruntime: { name: "onnxruntime", words: theirs("onnxruntime"), unlimited: true },
      }),
      openvino: { name: "OpenVINO", words: theirs("openvino"), unlimited: true },
      compile: { name: "torch.compile", words: theirs("compile") },
    },
    rows: [
      {
        against: "PyTorch",
        ours: "ours",
        theirs: ["pytorch"],
        aims: precision === "fp32" ? { avx2: 0.45, avx512: 0.42, amx: 0.42 } : { avx512: 0.45, amx: 0.3 },
      },
      {
        against: "the fastest other runtime",
        ours: "ours",
        theirs: runtimes,
        aims: precision === "fp32" ? { avx2: 0.55, avx512: 0.5, amx: 0.55 } : { avx512: 0.6, amx: 0.5 },
      },
      {
        against: "118 GMAC at a matrix product's rate",
        ours: "ours",
        theirs: ["product", "productPytorch"],
        macs: IMAGE_MACS,
        aims: precision === "fp32" ? { avx2: 1 / 1.3, avx512: 1 / 1.3 } : {},
      },
      { against: "pspnet before", ours: "ours", theirs: ["before"] },
      { against: "int8 beside pspnet before", ours: "int8", theirs: ["before"], aims: ofBefore },
      { against: "int8 beside pspnet", ours: "int8", theirs: ["ours"] },
    ],
  };
}

function step(precision: Precision): Work {
  const ours = node("step", "--dtype", precision);
  return {
    id: `step-${precision}`,
    title: `training step, batch 2, ${precision}`,
    precision,
    runs: 1,
    cases: {
      ours: { name: "pspnet", words: ours },
      before: before(ours),
      pytorch: { name: "PyTorch", words: python("step", "--dtype", precision) },
    },
    rows: [
      {
        against: "PyTorch",
        ours: "ours",
        theirs: ["pytorch"],
        aims: precision === "fp32" ? { avx2: 0.45, avx512: 0.42, amx: 0.42 } : { avx512: 0.38, amx: 0.29 },
      },
      { against: "pspnet before", ours: "ours", theirs: ["before"] },
    ],
  };
}

/** The step of the network that `npm start` trains. */
function scenes(precision: Precision): Work {
  const flags = ["--layers", "18", "--classes", "16", "--size", "129", "--batch", "16", "--dtype", precision];
  const ours = node("step", ...flags);
  return {
    id: `scenes-${precision}`,
    title: `step of the scenes' network, ${precision}`,
    precision,
    runs: 7,
    cases: {
      ours: { name: "pspnet", words: ours },
      before: before(ours),
      pytorch: { name: "PyTorch", words: python("step", ...flags) },
    },
    rows: [
      {
        against: "pspnet before",
        ours: "ours",
        theirs: ["before"],
        aims: precision === "fp32" ? { avx2: 0.7 } : { avx512: 0.6, amx: 0.6 },
      },
      { against: "PyTorch", ours: "ours", theirs: ["pytorch"] },
    ],
  };
}

function evaluation(precision: Precision): Work {
  const scales = ["--scales", "0.5,0.75,1,1.25,1.5,1.75"];
  const flags = ["--size", "512x683", "--crop", "473", ...scales];
  return {
    id: `evaluation-${precision}`,
    title: `six scales, mirrored, in windows, ${precision}`,
    precision,
    runs: 1,
    rounds: 2,
    cases: {
      ours: { name: "pspnet", words: node("segment", ...flags, "--flip", "--precision", precision) },
      official: { name: "test.py", words: python("evaluate", ...flags, "--dtype", precision) },
    },
    rows: [
      {
        against: "the official test.py",
        ours: "ours",
        theirs: ["official"],
        aims: { avx2: 0.45, avx512: 0.4, amx: 0.35 },
      },
    ],
  };
}

export const WORKS: readonly Work[] = (["fp32", "bf16"] as const).flatMap((precision) =>
  [image, step, scenes, evaluation].map((work) => work(precision)),
);
