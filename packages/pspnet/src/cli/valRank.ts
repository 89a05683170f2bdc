import { evaluateTogether } from "../evaluation/evaluateTogether.js";
import { answerWork } from "../ranks/answerWork.js";

// The entry of a process that is one rank of those that `pspnet val --ranks` started.

answerWork(evaluateTogether);
