// Questions to a thread or a process and its answers, whatever carries them
export * from "./answerQuestions.js";
export type * from "./messages.js";
export * from "./tickets.js";
