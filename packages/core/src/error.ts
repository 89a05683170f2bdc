export { type ErrorCode, PspnetError } from "@pspnet/checkpoints";
