import { workerData } from "node:worker_threads";
import { openOnnxSegmenter, parseWeights } from "@pspnet/core";
import { segmentAnswers } from "@pspnet/core/segment";
import { answerQuestions } from "@pspnet/core/threads";
import { parentThread } from "../threads/parentThread.js";
import { availableMemory } from "./availableMemory.js";
import type { OnnxSettings, OnnxThreadSettings } from "./onnxRuntime.js";
import { openOnnxSession } from "./openOnnxSession.js";

// The entry of the thread that onnxruntime computes in.

const { rest } = workerData as OnnxThreadSettings;

const { answer, close } = segmentAnswers(async ({ bytes, source, threads, int8 }: OnnxSettings) => {
  const openSession = (model: Uint8Array) => openOnnxSession(model, { threads, rest });
  const weights = parseWeights(bytes, { source });
  return { runtime: await openOnnxSegmenter({ ...weights, openSession, availableMemory, int8 }), opened: null };
});

answerQuestions(parentThread(), answer, close);
