import type { BaseSize, Crop, Size } from "@pspnet/core";
import { InvalidArgumentError, Option } from "commander";
import { formatNames } from "../data/formats.js";

export function integer(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError("expected a whole number.");
  return value;
}

export function positive(text: string): number {
  return wholeNumber(text, "above 0", (value) => value > 0);
}

/** Of seconds, or millions. */
export function amount(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || !(value > 0)) throw new InvalidArgumentError("expected a number above 0.");
  return value;
}

/** The time that a film's average looks back, of a flag that may stand before a file. */
export function smoothing(text: string): number {
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError("expected seconds above 0; without them give it after the files.");
}

/** A window: smaller ones hold nothing, and an image has hundreds of thousands of them. */
export function window(text: string): Crop | null {
  if (text === "none") return null;
  const expected = "none, a whole number from 9 or HEIGHTxWIDTH of such";
  if (text.split("x").some((side) => Number(side) < 9)) throw new InvalidArgumentError(`expected ${expected}.`);
  const pair = sides(text, expected);
  return text.includes("x") ? pair : pair[0];
}

/** A long side, or the two sides that an image is to fit into. */
export function baseSize(text: string): BaseSize | null {
  if (text === "none") return null;
  const pair = sides(text, "a number, LONGxSHORT or none");
  return text.includes("x") ? pair : pair[0];
}

/** A file or folder to write. */
export function place(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("expected a name, found none.");
  return text;
}

/** As many classes as a mask can tell apart. */
export function classCount(text: string): number {
  return wholeNumber(text, "from 2 to 255", (value) => value >= 2 && value <= 255);
}

function wholeNumber(text: string, range: string, holds: (value: number) => boolean): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text)) && holds(Number(text))) return Number(text);
  throw new InvalidArgumentError(`expected a whole number ${range}.`);
}

/** A parser of one of some numbers. */
export function oneOf<T extends number>(choices: readonly T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => String(choice) === text);
    if (found === undefined) throw new InvalidArgumentError(`expected one of ${choices.join(", ")}.`);
    return found;
  };
}

export function numbers(text: string): number[] {
  const values = text.split(",").map(Number);
  if (values.some((value) => !(value > 0 && value < Number.POSITIVE_INFINITY)))
    throw new InvalidArgumentError("expected positive numbers separated by commas.");
  return values;
}

export function size(text: string): Size {
  const [height, width] = sides(text, "a number or HEIGHTxWIDTH");
  return { height, width };
}

export function sizes(text: string): Size[] {
  return text.split(",").map(size);
}

export function anySize(text: string): Size | "any" {
  if (text === "any") return text;
  const [height, width] = sides(text, "any, a number or HEIGHTxWIDTH");
  return { height, width };
}

/** Beyond it not even the labels of one image fit where they are made. */
const LARGEST_SIDE = 16_384;

function sides(text: string, expected: string): [number, number] {
  const match = /^(\d+)(?:x(\d+))?$/.exec(text);
  if (!match || Number(match[1]) === 0 || Number(match[2]) === 0)
    throw new InvalidArgumentError(`expected ${expected}, above 0.`);
  if (Math.max(Number(match[1]), Number(match[2] ?? 0)) > LARGEST_SIDE)
    throw new InvalidArgumentError(`expected ${expected}, at most ${LARGEST_SIDE} a side.`);
  return [Number(match[1]), Number(match[2] ?? match[1])];
}

/** A parser of some of the choices, separated by commas. */
export function someOf<T extends string>(choices: readonly T[]): (text: string) => T[] {
  return (text) =>
    text.split(",").map((part) => {
      const found = choices.find((choice) => choice === part);
      if (found === undefined) throw new InvalidArgumentError(`expected some of ${choices.join(",")}.`);
      return found;
    });
}

/** Tables of the paper. */
export function tableNumbers(text: string): number[] {
  return text.split(",").map(oneOf([1, 2, 3, 4]));
}

/** How the images and masks of a dataset are paired. */
export function format(): Option {
  const meaning = "how images and masks are paired; otherwise by the layout that the files have";
  return new Option("--format <name>", meaning).choices(formatNames);
}

/** Keeps published weights that are not there from being fetched. */
export function offline(): Option {
  return new Option("--offline", "fetch nothing: of published weights take those that were pulled before");
}

export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n`;
}
