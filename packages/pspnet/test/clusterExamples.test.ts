/** The examples for Slurm and Kubernetes, as far as they can be run without either. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { loadTrainConfig } from "../src/config/load.js";

const example = (name: string) => fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pspnet-cluster-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A program that prints its arguments, one a line. */
function echo(path: string): void {
  writeFileSync(path, '#!/bin/sh\nprintf "%s\\n" "$@"\n');
  chmodSync(path, 0o755);
}

const quantity = z.string().regex(/^\d+(\.\d+)?([munkMGTPE]|[KMGTPE]i)?$/);
const path = z.string().startsWith("/");
const replica = z.strictObject({
  replicas: z.int().min(1),
  restartPolicy: z.enum(["Always", "OnFailure", "Never", "ExitCode"]),
  template: z.strictObject({
    spec: z.strictObject({
      terminationGracePeriodSeconds: z.int(),
      securityContext: z.strictObject({ runAsUser: z.int(), runAsGroup: z.int(), fsGroup: z.int() }),
      containers: z.tuple([
        z.strictObject({
          name: z.literal("pytorch"),
          image: z.string(),
          workingDir: path,
          command: z.array(z.string()),
          args: z.array(z.string()),
          env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
          resources: z.strictObject({
            requests: z.record(z.string(), quantity),
            limits: z.record(z.string(), quantity),
          }),
          volumeMounts: z.array(
            z.strictObject({ name: z.string(), mountPath: path, readOnly: z.boolean().optional() }),
          ),
        }),
      ]),
      volumes: z.array(
        z.union([
          z.strictObject({ name: z.string(), configMap: z.strictObject({ name: z.string() }) }),
          z.strictObject({
            name: z.string(),
            persistentVolumeClaim: z.strictObject({ claimName: z.string(), readOnly: z.boolean().optional() }),
          }),
        ]),
      ),
    }),
  }),
});
/** What kubernetes.yaml uses of PyTorchJob, as its definition (training operator 1.9) has it. */
const pyTorchJob = z.strictObject({
  apiVersion: z.literal("kubeflow.org/v1"),
  kind: z.literal("PyTorchJob"),
  metadata: z.strictObject({ name: z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/) }),
  spec: z.strictObject({
    runPolicy: z.strictObject({ backoffLimit: z.int(), cleanPodPolicy: z.enum(["All", "Running", "None"]) }),
    pytorchReplicaSpecs: z.strictObject({ Master: replica.extend({ replicas: z.literal(1) }), Worker: replica }),
  }),
});

describe("examples/kubernetes.yaml", () => {
  const job = () => pyTorchJob.parse(parse(readFileSync(example("kubernetes.yaml"), "utf8")));

  it("is a PyTorchJob whose pods are alike, and mount what they have", () => {
    const { Master, Worker } = job().spec.pytorchReplicaSpecs;
    expect(Worker.template).toEqual(Master.template);
    const { containers, volumes } = Master.template.spec;
    expect(containers[0].volumeMounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name));
  });

  /** What a pod says to `pspnet`, in this folder as `/`. */
  function said(): string[] {
    const { command, args } = job().spec.pytorchReplicaSpecs.Master.template.spec.containers[0];
    mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
    echo(join(folder, "node_modules/.bin/pspnet"));
    const [program, ...words] = [...command, ...args.map((text) => text.replaceAll("/runs", `${folder}/runs`))];
    return execFileSync(program, words, { cwd: folder, encoding: "utf8" }).trim().split("\n");
  }

  it("trains, and goes on with a run that has come to a checkpoint", async () => {
    mkdirSync(join(folder, "runs/camvid"), { recursive: true });
    const [command, config, ...keys] = said();
    expect([command, config]).toEqual(["train", "/config/train.yaml"]);
    expect(await loadTrainConfig(example("camvid.yaml"), keys, ".")).toMatchObject({ name: "camvid", resume: false });
    mkdirSync(join(folder, "runs/camvid-2/state"), { recursive: true });
    writeFileSync(join(folder, "runs/camvid-2/state/checkpoint.safetensors"), "");
    const [, , ...again] = said();
    const config2 = await loadTrainConfig(example("camvid.yaml"), again, ".");
    expect(config2).toMatchObject({ name: "camvid-2", resume: true, batch: 16 });
  });

  it("has a batch that its ranks share", async () => {
    const { Master, Worker } = job().spec.pytorchReplicaSpecs;
    const { batch } = await loadTrainConfig(example("camvid.yaml"), said().slice(2), ".");
    expect(batch % (Master.replicas + Worker.replicas)).toBe(0);
  });
});

describe("examples/slurm.sh", () => {
  it("has each task train, under the job's name where no other is given", () => {
    echo(join(folder, "srun"));
    const env = { PATH: `${folder}:${process.env.PATH}`, SLURM_JOB_ID: "7", SLURM_CPUS_PER_TASK: "4" };
    const words = [example("slurm.sh"), "camvid.yaml", "data.root=a b", "name=mine"];
    const said = execFileSync("bash", words, { env, encoding: "utf8" }).trim().split("\n");
    expect(said).toEqual([
      "--kill-on-bad-exit=1",
      "node_modules/.bin/pspnet",
      "train",
      "camvid.yaml",
      "name=slurm-7",
      "data.root=a b",
      "name=mine",
    ]);
  });

  it("is nothing that bash does not know", () => {
    expect(() => execFileSync("bash", ["-n", example("slurm.sh")])).not.toThrow();
  });
});
