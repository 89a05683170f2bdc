import { workerData } from "node:worker_threads";
import { type OnnxSegmenter, openOnnxSegmenter, parseWeights } from "@pspnet/core";
import { type AnswerOptions, answerQuestions } from "../threads/answerQuestions.js";
import { availableMemory } from "./availableMemory.js";
import type { OnnxAnswer, OnnxNews, OnnxQuestion, OnnxThreadSettings } from "./onnxRuntime.js";
import { openOnnxSession } from "./openOnnxSession.js";

// The entry of the thread that onnxruntime computes in: answers one question after the other.

const { rest } = workerData as OnnxThreadSettings;
let segmenter: OnnxSegmenter;
let last: Promise<unknown> = Promise.resolve();

answerQuestions<OnnxQuestion, OnnxAnswer, OnnxNews>(
  (question, options) => {
    const answered = last.then(() => answer(question, options));
    last = answered.catch(() => {});
    return answered;
  },
  async () => segmenter?.[Symbol.asyncDispose](),
);

async function answer(question: OnnxQuestion, { signal, tell }: AnswerOptions<OnnxNews>): Promise<OnnxAnswer> {
  if (question.kind === "open") {
    const { bytes, source, threads } = question;
    const openSession = (model: Uint8Array) => openOnnxSession(model, { threads, rest });
    segmenter = await openOnnxSegmenter({ ...parseWeights(bytes, { source }), openSession, availableMemory });
    return null;
  }
  const { kind, image, protocol } = question;
  const options = { ...protocol, signal, onWindow: (done: number, total: number) => tell([done, total]) };
  return kind === "labels" ? (await segmenter.labels(image, options)).data : segmenter[kind](image, options);
}
