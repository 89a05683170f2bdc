import { beforeEach, expect, test, vi } from "vitest";
import { program } from "../src/cli/program.js";

beforeEach(() => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  return () => vi.restoreAllMocks();
});

/** What the command line, in this process, says of arguments that are wrong. */
async function refusal(args: string): Promise<string> {
  const error: unknown = await program()
    .parseAsync(["node", "pspnet", ...args.split(" ")])
    .catch((cause: unknown) => cause);
  return error instanceof Error ? error.message : "nothing";
}

const COUNT = "expected a whole number above 0.";
const WHOLE = "expected a whole number.";
const SIDES = "expected a number or HEIGHTxWIDTH, above 0.";
const CLASSES = "expected a whole number from 2 to 255.";

/** Flag, wrong values, and what is said of them. */
const PROTOCOL: readonly [string, readonly string[], string][] = [
  ["--scales", ["0", "-1", "x", "1,,2", "1e999"], "expected positive numbers separated by commas."],
  [
    "--crop",
    ["0", "1", "8", "1.5", "big", "9x8", "9x9x9"],
    "expected none, a whole number from 9 or HEIGHTxWIDTH of such",
  ],
  ["--base-size", ["0", "1.5", "x", "512x", "9x0"], "expected a number, LONGxSHORT or none, above 0."],
  ["--protocol", ["test.py", "toString"], "Allowed choices are semseg, caffe, mmseg, mmseg-slide, csail."],
  ["--runtime", ["tf", "ONNX"], "Allowed choices are auto, torch, onnx."],
  ["--precision", ["half", "fp8"], "Allowed choices are auto, fp32, bf16, int8."],
  ["--device", ["gpu", "0"], "Allowed choices are auto, cpu, cuda."],
  ["--threads", ["-1", "1.5", "two", "NaN"], WHOLE],
];

const RANKS: typeof PROTOCOL = [
  ["--ranks", ["0", "-1", "1.5", "all"], COUNT],
  ["--timeout", ["0s", "90", "soon", "-1m"], "expected a number and s, m or h, such as 10m."],
  ["--shard", ["0/3", "1", "1/0", "1/2/3", "-1/3", "a/b"], "expected i/n, such as 1/2"],
  ["--shard", ["4/3"], "expected i/n with i from 1 to n."],
];

const FLAGS: readonly [string, readonly (readonly [string, readonly string[], string])[]][] = [
  [
    "val w --data d",
    [...PROTOCOL, ...RANKS, ["--format", ["coco"], "Allowed choices are auto, list, camvid, folders, beside."]],
  ],
  ["predict w p", [...PROTOCOL, ...RANKS]],
  [
    "serve w",
    [
      ...PROTOCOL,
      ["--port", ["http", "-1"], WHOLE],
      ["--queue", ["0", "many"], COUNT],
      ...["--deadline", "--max-body", "--max-pixels", "--rate"].map(
        (flag) => [flag, ["0", "-1", "1e9", "soon"], "expected a number above 0."] as const,
      ),
    ],
  ],
  [
    "export w",
    [
      ["--to", ["caffe"], "Allowed choices are onnx, safetensors."],
      ["--size", ["0", "0x5", "-1", "big"], "expected any, a number or HEIGHTxWIDTH, above 0."],
      ["--size", ["99999x9"], "at most 16384 a side."],
      ["--output", ["mask", "labels,mask"], "expected some of logits8,logits,probabilities,labels."],
      ["--dtype", ["int4"], "Allowed choices are fp32, fp16, int8."],
    ],
  ],
  ["ablate scale=laptop", [["--table", ["0", "5", "1,5", "one"], "expected one of 1, 2, 3, 4."]]],
  ["data check d", [["--format", ["coco"], "Allowed choices are auto, list, camvid, folders, beside."]]],
  [
    "data make scenes d",
    [
      ["--train", ["-1", "1e3"], WHOLE],
      ["--val", ["x"], WHOLE],
      ["--seed", ["1.2"], WHOLE],
      ["--size", ["12x", "0", "axb"], SIDES],
    ],
  ],
  [
    "models",
    [
      ["--classes", ["0", "1", "256", "x"], CLASSES],
      ["--size", ["any", "0"], SIDES],
    ],
  ],
  [
    "bench",
    [
      ["--layers", ["20", "x"], "expected one of 18, 34, 50, 101, 152"],
      ["--classes", ["1", "300"], CLASSES],
      ["--width", ["0", "x"], COUNT],
      ["--size", ["0", "4x"], SIDES],
      ["--runtime", ["torch,tf"], "expected some of torch,onnx."],
      ["--precision", ["fp8"], "expected some of fp32,bf16,int8."],
      ["--rounds", ["0", "-1"], COUNT],
      ["--threads", ["-2"], WHOLE],
    ],
  ],
];

const cases = FLAGS.flatMap(([command, flags]) =>
  flags.flatMap(([flag, values, said]) => values.map((value) => [`${command} ${flag} ${value}`, said] as const)),
);

test.each(cases)("pspnet %s is refused, saying what would do", async (args, said) => {
  const [flag, value] = args.split(" ").slice(-2);
  const message = await refusal(args);
  expect(message).toMatch(new RegExp(`^error: option '${flag} <.*>' argument '${value}' is invalid`));
  expect(message).toContain(said);
});

test.each([
  ["data check d --classes a,", 'command line: classes.1: expected a name, found ""'],
  ["data check run.yaml --format list", "--format: expected a folder beside it, found run.yaml, which says so itself"],
  ["data check run.yaml --classes camvid", "--classes: expected a folder beside it, found run.yaml, which says so"],
  ["train nowhere", "expected a folder of photographs and masks, or a YAML file, found nothing at nowhere"],
  ["predict w p --out ", "expected a name, found none."],
  ["val w --data d --shard 1/3 --ranks 2", "--shard 1/3: expected one process and a part, found --ranks 2"],
  ["val w --data d --shard 1/3 --store", "--shard 1/3: expected one process and a part, found --store"],
  ["predict w p --shard 1/3 --ranks 2", "--shard 1/3: expected one process and a part, found --ranks 2"],
  ["val --merge parts --flip", "val --merge: expected parts alone, found --flip"],
  ["val w --merge parts", "val --merge: expected parts alone, found w"],
  ["val --merge nowhere", "val --merge: expected a part or a folder of parts, found nothing at nowhere"],
  [
    "predict w https://a.org/b.jpg",
    "https://a.org/b.jpg: expected the path of an image, a film, a folder or a glob, found a URL",
  ],
])("pspnet %s is refused: %s", async (args, said) => {
  expect(await refusal(args)).toContain(said);
});
