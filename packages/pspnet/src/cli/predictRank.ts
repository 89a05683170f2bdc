import { answerWork } from "../ranks/answerWork.js";
import { predictTogether } from "./predictTogether.js";

// The entry of a process that is one rank of those that `pspnet predict --ranks` started.

answerWork(predictTogether);
