// What the processor can do, as libtorch's oneDNN sees it.
#pragma once

namespace binding {

/** Whether oneDNN computes in bfloat16, fast or not. */
bool oneDnnHasBfloat16();

/** Whether it does so by the processor's own bfloat16 instructions (AVX512-BF16, AMX, Arm's BF16), and may: ONEDNN_MAX_CPU_ISA can forbid them. */
bool oneDnnUsesBfloat16Instructions();

/** Whether those are faster than float32's: Intel's AVX512-BF16 without AMX, which virtual machines hide, takes twice their time. */
bool oneDnnIsFastAtBfloat16();

/** Whether those are AMX's, of whole tiles at once. */
bool oneDnnUsesAmx();

}  // namespace binding
