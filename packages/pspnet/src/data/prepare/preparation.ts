import type { ClassList, Normalisation } from "@pspnet/core";
import type { DataConfig } from "../format.js";
import type { Pair } from "../source.js";
import type { PreparedFolder } from "./preparedFolder.js";

/** A dataset as it is published, or as a program exports it, and how to turn it into what training reads. Loads no decoder. */
export interface Preparation {
  readonly name: string;
  /** What it is, for help. */
  readonly title: string;
  /** What its folder holds, for help and messages. */
  readonly layout: string;
  /** Patterns of files that a folder has all of when it is the dataset's and nobody says so. */
  readonly marks?: readonly string[];
  /** Published numbers of samples by split; several where copies of the dataset differ. */
  readonly published?: Readonly<Record<string, number | readonly number[]>>;
  /** What the official release trains it with, beside the defaults. */
  readonly recipe?: { readonly crop: number; readonly epochs: number };
  /** @throws PspnetError "data" where nothing of the dataset is found. */
  read(download: Download): Promise<Prepared>;
}

/** What there is, and where to put what must be made of it. */
export interface Download {
  readonly folder: string;
  /** Other folders that belong to it, by the name of their flag. */
  readonly also: Readonly<Record<string, string | undefined>>;
  readonly seed: number;
  /** What is said of its data, before what is found. */
  readonly said: Partial<DataConfig>;
  readonly out: PreparedFolder;
  /** Pixels by id in some masks, from all over them; those that cannot be read are passed over. */
  countIds(masks: readonly Pair[]): Promise<Float64Array>;
}

/** What training reads of a dataset: samples by split ("train", "val" and others), and what their masks mean. */
export interface Prepared extends Pick<DataConfig, "ids" | "ignore"> {
  readonly splits: Readonly<Record<string, readonly Pair[]>>;
  /** A preset's name, or the classes that the dataset names itself. */
  readonly classes: string | ClassList;
  /** What the network must be told of the images, where they are no photographs. */
  readonly input?: Pick<Normalisation, "mean" | "std">;
  /** A line for each thing that is missing or wrong. */
  readonly problems: readonly string[];
  /** What was found, decided and left out, a line each. */
  readonly notes: readonly string[];
}
