// Describes networks without any engine: parameters and state names of the published variants.
//   npx tsx examples/parameters.ts
import { PSPNet, parameterCount, pspnetConfig } from "@pspnet/core";

for (const layers of [50, 101, 152] as const) {
  for (const [dataset, classes] of [
    ["ADE20K", 150],
    ["VOC 2012", 21],
    ["Cityscapes", 19],
  ] as const) {
    const model = new PSPNet(pspnetConfig({ classes, backbone: { layers } }));
    console.log(
      `PSPNet-${layers} ${dataset}: ${parameterCount(model).toLocaleString("en")} parameters in ${model.stateDict().size} tensors`,
    );
  }
}
