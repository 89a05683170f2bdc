// Makes the C++ and the TypeScript of the operations from their table, operations.txt. Node's own modules only.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const native = dirname(fileURLToPath(import.meta.url));
/** Several files compile side by side. */
const sourceFiles = 6;

/**
 * What an argument type is in TypeScript, and how C++ reads argument `i` of the call. A reader is for a required
 * argument; `optional` for one that may be left out without a default.
 */
const types = {
  Tensor: { ts: "T", read: (i) => `call.tensor(${i})`, reference: true, optional: (i) => `call.optionalTensor(${i})` },
  "Tensor[]": { ts: "readonly T[]", read: (i) => `call.tensors(${i})` },
  Scalar: { ts: "number | bigint", read: (i) => `call.scalar(${i})`, optional: (i) => `call.optionalScalar(${i})` },
  int: { ts: "number", read: (i) => `call.integer(${i})`, cpp: "int64_t" },
  float: { ts: "number", read: (i) => `call.number(${i})`, cpp: "double" },
  bool: { ts: "boolean", read: (i) => `call.boolean(${i})`, cpp: "bool" },
  "int[]": { ts: "number | readonly number[]", read: (i) => `call.integers(${i})`, cpp: "Integers" },
  "int[2]": { ts: "number | readonly [number, number]", read: (i) => `call.integers(${i}, 2)`, cpp: "Integers" },
  "int...": { ts: "number[] | [readonly number[]]", read: (i) => `call.integers(${i})`, cpp: "Integers" },
  Shape: { ts: "number | readonly number[]", read: (i) => `call.shape(${i})`, cpp: "Integers" },
  Size: { ts: "number | readonly [number, number]", read: (i) => `call.size(${i})`, cpp: "Integers" },
  ScalarType: { ts: "DType", read: (i) => `call.dtype(${i})`, cpp: "at::ScalarType" },
  Device: { ts: "string", read: (i) => `call.device(${i})`, cpp: "at::Device" },
  MemoryFormat: { ts: "MemoryFormat", read: (i) => `call.memoryFormat(${i})`, cpp: "at::MemoryFormat" },
  AlignCorners: { ts: "AlignCorners", read: (i) => `call.alignCorners(${i})`, cpp: "AlignCorners" },
  Reduction: { ts: "Reduction", read: (i) => `call.reduction(${i})`, cpp: "int64_t" },
};

const words = {
  contiguous: "at::MemoryFormat::Contiguous",
  mean: "at::Reduction::Mean",
  float32: "at::kFloat",
  int64: "at::kLong",
  cpu: "at::Device(at::kCPU)",
};

/** Splits at commas outside brackets. */
function splitArguments(text) {
  return text
    .split(/,(?![^[]*\])/)
    .map((part) => part.trim())
    .filter(Boolean);
}

function parseArgument(text, line) {
  const match = /^(\S+?)(\??) (\w+)(?:=(.+))?$/.exec(text);
  if (!match?.[1].split("|").every((type) => types[type]))
    throw new Error(`operations.txt: cannot read "${text}" in: ${line}`);
  const [, type, optional, name, value] = match;
  return { type, name, optional: optional === "?", value };
}

/** One line of the table: name, arguments (positional, then named), result, C++ expression and documentation. */
function parseLine(line) {
  const match = /^(\w+)\((.*?)\) -> (\w+(?:\[\])?)(?: = (.*?))? -- (.*)$/.exec(line);
  if (!match)
    throw new Error(`operations.txt: expected name(arguments) -> result = C++ -- documentation, found: ${line}`);
  const [, name, list, result, expression, documentation] = match;
  const parts = splitArguments(list);
  const star = parts.indexOf("*");
  const positional = (star < 0 ? parts : parts.slice(0, star)).map((part) => parseArgument(part, line));
  const named = star < 0 ? [] : parts.slice(star + 1).map((part) => parseArgument(part, line));
  const all = [...positional, ...named];
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const call = expression ?? `at::${snake}(${all.map((argument) => argument.name).join(", ")})`;
  return { name, positional, named, all, result, call, documentation, method: positional[0]?.name === "self" };
}

export function readTable() {
  const lines = readFileSync(join(native, "operations.txt"), "utf8").split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#")).map(parseLine);
}

function cppDefault({ type, value }) {
  if (value.startsWith("[")) return `Integers{${value.slice(1, -1)}}`;
  if (type === "int[2]") return `Integers{${value}, ${value}}`;
  if (type === "Scalar") return `at::Scalar(${value})`;
  return words[value] ?? value;
}

/** The statements that read argument `i` into a variable of its name. */
function cppRead(argument, i) {
  const { type, name, optional, value } = argument;
  const kind = types[type];
  if (type === "int[]" && optional) {
    return [
      `  const auto ${name}Values = call.absent(${i}) ? Integers() : call.integers(${i});`,
      `  const auto ${name} = call.absent(${i}) ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(${name}Values);`,
    ];
  }
  if (optional && kind.optional) return [`  const auto ${name} = ${kind.optional(i)};`];
  if (optional)
    return [
      `  const auto ${name} = call.absent(${i}) ? std::optional<${kind.cpp}>() : std::optional<${kind.cpp}>(${kind.read(i)});`,
    ];
  if (value !== undefined)
    return [`  const auto ${name} = call.absent(${i}) ? ${cppDefault(argument)} : ${kind.read(i)};`];
  return [`  const auto${kind.reference ? "&" : ""} ${name} = ${kind.read(i)};`];
}

/** The return statement; each tensor-or-number argument takes the overload for what it is. */
function cppReturn({ all, call, result }) {
  const either = all.map((argument, i) => ({ ...argument, i })).filter((argument) => argument.type === "Tensor|Scalar");
  const branches = (rest, text) => {
    if (rest.length === 0) return text;
    const [{ name, i }, ...later] = rest;
    const use = (value) => branches(later, text.replace(new RegExp(`\\b${name}\\b`, "g"), value));
    return `call.isTensor(${i}) ? ${use(`call.tensor(${i})`)} : ${use(`call.scalar(${i})`)}`;
  };
  const value = branches(either, call);
  if (result === "self")
    return [`  ${value};`.replace(/^ {2}(.* \? .*);$/, "  static_cast<void>($1);"), "  return call.undefined();"];
  return [`  return call.result(${value});`];
}

function cppFunction(operation) {
  const names = operation.all.map((argument) => `, "${argument.name}"`).join("");
  const reads = operation.all.flatMap((argument, i) => (argument.type === "Tensor|Scalar" ? [] : cppRead(argument, i)));
  return [`FUNCTION(${operation.name}${names}) {`, ...reads, ...cppReturn(operation), "}", ""].join("\n");
}

function cppFile(operations) {
  const headers = new Set();
  for (const { call } of operations) {
    for (const [, name] of call.matchAll(/at::([a-z]\w*)\(/g))
      headers.add(`#include <ATen/ops/${name.replace(/_$/, "")}.h>`);
  }
  const includes = [
    "#include <ATen/core/Reduction.h>",
    ...[...headers].sort(),
    "",
    '#include "call.h"',
    '#include "operations.h"',
  ];
  const lines = ["// Made from operations.txt by generate.mjs.", ...includes, "", "namespace binding {", ""];
  return [...lines, operations.map(cppFunction).join("\n"), "}  // namespace binding", ""].join("\n");
}

const tsType = (argument) =>
  argument.type
    .split("|")
    .map((type) => types[type].ts)
    .join(" | ");
const tsDefault = ({ value }) => (/^(?!true|false)[a-z]/.test(value) ? `"${value}"` : value);

function tsOption(argument) {
  const { name, optional, value } = argument;
  const required = !optional && value === undefined;
  const note =
    value === undefined || value === "None" || value === "[]" ? "" : `/** Default ${tsDefault(argument)}. */ `;
  return `${note}readonly ${name}${required ? "" : "?"}: ${tsType(argument)}${optional ? " | null" : ""}`;
}

function tsParameters({ name, positional, named, method }) {
  const list = (method ? positional.slice(1) : positional).map((argument) => {
    if (argument.type === "int...") return `...${argument.name}: ${tsType(argument)}`;
    const lacking = argument.optional ? " | null" : "";
    return `${argument.name}${argument.value !== undefined ? "?" : ""}: ${tsType(argument)}${lacking}`;
  });
  if (named.length > 0) {
    const empty = named.every(({ optional, value }) => optional || value !== undefined) ? " = {}" : "";
    list.push(
      `options: ${named.some(holdsTensor) ? `${pascal(name)}Options<T>` : `{ ${named.map(tsOption).join("; ")} }`}${empty}`,
    );
  }
  return list.join(", ");
}

const holdsTensor = ({ type }) => type.startsWith("Tensor");
const pascal = (name) => name[0].toUpperCase() + name.slice(1);

/** Types that mention tensors inside an object need a name: TypeScript knows no `this` there. */
function tsInterfaces({ name, named }) {
  if (!named.some(holdsTensor)) return [];
  return [`export interface ${pascal(name)}Options<T> {\n  ${named.map(tsOption).join(";\n  ")};\n}\n`];
}

/** What goes to the native function for one argument: handles for tensors. */
function tsPass({ type, name, optional, value }, source) {
  const lacking = optional || value !== undefined;
  if (type === "Tensor") return lacking ? `${source}?.handle` : `${source}.handle`;
  if (type === "Tensor[]") return `${source}.map((tensor) => tensor.handle)`;
  if (type === "Tensor|Scalar") return `operand(${source})`;
  if (type === "int...") return `${name}.flat()`;
  return source;
}

function tsOperation(operation) {
  const { name, positional, named, result, documentation, method } = operation;
  const passed = [
    ...positional.map((argument, i) => (method && i === 0 ? "this.handle" : tsPass(argument, argument.name))),
    ...named.map((argument) => tsPass(argument, `options.${argument.name}`)),
  ];
  const call = `native().${name}(${passed.join(", ")})`;
  const self = method ? "this" : "T";
  const parameters = tsParameters(operation).replaceAll(/\bT\b/g, self);
  const wrap = (value) => (method ? `this.wrap(${value})` : `wrap(${value})`);
  const bodies = {
    Tensor: [self, `return ${wrap(`${call} as Handle`)};`],
    "Tensor[]": [`${self}[]`, `return (${call} as Handle[]).map((handle) => ${wrap("handle")});`],
    self: ["this", `${call};\n    return this;`],
    bool: ["boolean", `return ${call} as boolean;`],
  };
  const [type, body] = bodies[result];
  const head = (list) => `  ${name}(${list}): ${type}`;
  // A tensor alone comes first, for that is all that core's interface asks for.
  const both = `${self} | number | bigint`;
  const declared = parameters.replace(/options: (.*) = \{\}$/, "options?: $1");
  const overloads =
    method && parameters.includes(both) ? `${head(declared.replaceAll(both, self))};\n${head(declared)};\n` : "";
  return `  /** ${documentation} */\n${overloads}${head(parameters)} {\n    ${body}\n  }${method ? "" : ","}\n`;
}

export function typeScript(operations) {
  const methods = operations
    .filter(({ method }) => method)
    .map(tsOperation)
    .join("\n");
  const functions = operations
    .filter(({ method }) => !method)
    .map(tsOperation)
    .join("\n");
  const interfaces = operations.flatMap(tsInterfaces).join("\n");
  return `// Made from native/operations.txt by native/generate.mjs; node native/generate.mjs makes it anew.
import type { AlignCorners, DType } from "@pspnet/core";
import { type Handle, native } from "./binding.js";

/** Order of a tensor's elements in memory: channelsLast is \`[n, h, w, c]\` under the shape \`[n, c, h, w]\`. */
export type MemoryFormat = "contiguous" | "channelsLast";

/** What a loss does with its elements. */
export type Reduction = "none" | "mean" | "sum";

${interfaces}
const operand = (value: Operations | number | bigint): Handle | number | bigint =>
  typeof value === "object" ? value.handle : value;

/** The operations that are methods of a tensor. */
export abstract class Operations {
  /** @internal */
  abstract readonly handle: Handle;
  protected abstract wrap(handle: Handle): this;

${methods}}

/** The operations that make a tensor, given what makes one of a handle. */
export const functions = <T extends Operations>(wrap: (handle: Handle) => T) => ({
${functions}});
`;
}

const writeIfChanged = (path, text) => {
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
};

/** Writes native/generated/*.cc, and src/operations.generated.ts where the sources are. */
export function generate() {
  const operations = readTable();
  const folder = join(native, "generated");
  mkdirSync(folder, { recursive: true });
  const size = Math.ceil(operations.length / sourceFiles);
  const names = Array.from({ length: sourceFiles }, (_, i) => `operations${i}.cc`);
  for (const file of readdirSync(folder)) if (!names.includes(file)) rmSync(join(folder, file));
  for (const [i, name] of names.entries()) {
    writeIfChanged(join(folder, name), cppFile(operations.slice(i * size, (i + 1) * size)));
  }
  const sources = join(native, "..", "src");
  if (existsSync(sources)) writeIfChanged(join(sources, "operations.generated.ts"), typeScript(operations));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) generate();
