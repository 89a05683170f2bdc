/**
 * What `zoo.ts` reads: who publishes which weights. An entry is `name backbone crop score averaged ... address;`: mean IoU in per cent,
 * and averaged over scales and mirror images, a dash where none is published. Words before the address: `as=` a short name, of the
 * best of its source, dataset and network; `corners` and `stride32`, variants that weights do not tell; `in=` the folder where it
 * is not called as the file is; `bytes=`.
 *
 * No file was there to be fetched when this was written: hashes are those in the files' names, scores those that are published.
 */

/** Datasets by the name that they have here. */
export type ZooDataset = keyof typeof DATASETS;

/** Title and number of classes. */
export const DATASETS = {
  ade20k: ["ADE20K", 150],
  cityscapes: ["Cityscapes", 19],
  "coco-stuff10k": ["COCO-Stuff 10k", 171],
  "coco-stuff164k": ["COCO-Stuff 164k", 171],
  imagenet: ["ImageNet", 1000],
  isaid: ["iSAID", 16],
  loveda: ["LoveDA", 7],
  "pascal-context": ["PASCAL Context", 60],
  "pascal-context59": ["PASCAL Context, without background", 59],
  potsdam: ["ISPRS Potsdam", 6],
  scenes: ["made scenes", 16],
  vaihingen: ["ISPRS Vaihingen", 6],
  voc2012: ["PASCAL VOC 2012", 21],
} as const satisfies Record<string, readonly [string, number]>;

/** Entries by dataset. */
export type ZooTable = Partial<Readonly<Record<ZooDataset, string>>>;

/** Below https://download.openmmlab.com/mmsegmentation/v0.5; the hash at the end begins the sha256. */
export const MMSEGMENTATION: ZooTable = {
  cityscapes: `
    pspnet_r50-d8_4xb2-40k_cityscapes-512x1024 resnet50-v1c 512x1024 77.85 79.18
      pspnet_r50-d8_512x1024_40k_cityscapes_20200605_003338-2966598c;
    pspnet_r101-d8_4xb2-40k_cityscapes-512x1024 resnet101-v1c 512x1024 78.34 79.74
      pspnet_r101-d8_512x1024_40k_cityscapes_20200604_232751-467e7cf4;
    pspnet_r50-d8_4xb2-40k_cityscapes-769x769 resnet50-v1c 769x769 78.26 79.88 corners
      pspnet_r50-d8_769x769_40k_cityscapes_20200606_112725-86638686;
    pspnet_r101-d8_4xb2-40k_cityscapes-769x769 resnet101-v1c 769x769 79.08 80.28 corners
      pspnet_r101-d8_769x769_40k_cityscapes_20200606_112753-61c6f5be;
    pspnet_r18-d8_4xb2-80k_cityscapes-512x1024 resnet18-v1c 512x1024 74.87 76.04
      pspnet_r18-d8_512x1024_80k_cityscapes_20201225_021458-09ffa746;
    pspnet_r50-d8_4xb2-80k_cityscapes-512x1024 resnet50-v1c 512x1024 78.55 79.79
      pspnet_r50-d8_512x1024_80k_cityscapes_20200606_112131-2376f12b;
    pspnet_r50-d8-rsb_4xb2-adamw-80k_cityscapes-512x1024 resnet50b 512x1024 78.47 79.45
      in=pspnet/pspnet_r50-d8_512x1024_80k_cityscapes
      pspnet_r50-d8_rsb-pretrain_512x1024_adamw_80k_cityscapes_20220315_123238-588c30be;
    pspnet_r101-d8_4xb2-80k_cityscapes-512x1024 resnet101-v1c 512x1024 79.76 81.01
      pspnet_r101-d8_512x1024_80k_cityscapes_20200606_112211-e1e1100f;
    pspnet_r101-d8_4xb2-amp-80k_cityscapes-512x1024 resnet101-v1c 512x1024 79.46 -
      pspnet_r101-d8_fp16_512x1024_80k_cityscapes_20200717_230919-a0875e5c;
    pspnet_r18-d8_4xb2-80k_cityscapes-769x769 resnet18-v1c 769x769 75.9 77.86 as=cityscapes-pspnet18 corners
      pspnet_r18-d8_769x769_80k_cityscapes_20201225_021458-3deefc62;
    pspnet_r50-d8_4xb2-80k_cityscapes-769x769 resnet50-v1c 769x769 79.59 80.69 as=cityscapes-pspnet50 corners
      pspnet_r50-d8_769x769_80k_cityscapes_20200606_210121-5ccf03dd;
    pspnet_r101-d8_4xb2-80k_cityscapes-769x769 resnet101-v1c 769x769 79.77 81.06 as=cityscapes-pspnet101 corners
      pspnet_r101-d8_769x769_80k_cityscapes_20200606_225055-dba412fa;
    pspnet_r18b-d8_4xb2-80k_cityscapes-512x1024 resnet18b 512x1024 74.23 75.79
      pspnet_r18b-d8_512x1024_80k_cityscapes_20201226_063116-26928a60;
    pspnet_r50b-d8_4xb2-80k_cityscapes-512x1024 resnet50b 512x1024 78.22 79.46
      pspnet_r50b-d8_512x1024_80k_cityscapes_20201225_094315-6344287a;
    pspnet_r101b-d8_4xb2-80k_cityscapes-512x1024 resnet101b 512x1024 79.69 80.79
      pspnet_r101b-d8_512x1024_80k_cityscapes_20201226_170012-3a4d38ab;
    pspnet_r18b-d8_4xb2-80k_cityscapes-769x769 resnet18b 769x769 74.92 76.9 corners
      pspnet_r18b-d8_769x769_80k_cityscapes_20201226_080942-bf98d186;
    pspnet_r50b-d8_4xb2-80k_cityscapes-769x769 resnet50b 769x769 78.5 79.96 corners
      pspnet_r50b-d8_769x769_80k_cityscapes_20201225_094316-4c643cf6;
    pspnet_r101b-d8_4xb2-80k_cityscapes-769x769 resnet101b 769x769 78.87 80.04 corners
      pspnet_r101b-d8_769x769_80k_cityscapes_20201226_171823-f0e7c293;
    pspnet_r50-d32_4xb2-80k_cityscapes-512x1024 resnet50-v1c 512x1024 73.88 76.85 stride32
      pspnet_r50-d32_512x1024_80k_cityscapes_20220316_224840-9092b254;
    pspnet_r50-d32_rsb_4xb2-adamw-80k_cityscapes-512x1024 resnet50b 512x1024 74.09 77.18 stride32
      pspnet_r50-d32_rsb-pretrain_512x1024_adamw_80k_cityscapes_20220316_141229-dd9c9610;
    pspnet_r50b-d32_4xb2-80k_cityscapes-512x1024 resnet50b 512x1024 72.61 75.51 stride32
      pspnet_r50b-d32_512x1024_80k_cityscapes_20220311_152152-23bcaf8c;
    mobilenet-v2-d8_pspnet_4xb2-80k_cityscapes-512x1024 mobilenetv2 512x1024 70.23 - as=cityscapes-pspnet-mobilenetv2
      in=mobilenet_v2/pspnet_m-v2-d8_512x1024_80k_cityscapes
      pspnet_m-v2-d8_512x1024_80k_cityscapes_20200825_124817-19e81d51;
    resnest_s101-d8_pspnet_4xb2-80k_cityscapes512x1024 resnest101 512x1024 78.57 79.19 as=cityscapes-pspnet-resnest101
      in=resnest/pspnet_s101-d8_512x1024_80k_cityscapes
      pspnet_s101-d8_512x1024_80k_cityscapes_20200807_140631-c75f3b99;
  `,
  ade20k: `
    pspnet_r50-d8_4xb4-80k_ade20k-512x512 resnet50-v1c 512x512 41.13 41.94
      pspnet_r50-d8_512x512_80k_ade20k_20200615_014128-15a8b914;
    pspnet_r101-d8_4xb4-80k_ade20k-512x512 resnet101-v1c 512x512 43.57 44.35
      pspnet_r101-d8_512x512_80k_ade20k_20200614_031423-b6e782f0;
    pspnet_r50-d8_4xb4-160k_ade20k-512x512 resnet50-v1c 512x512 42.48 43.44 as=ade20k-pspnet50
      pspnet_r50-d8_512x512_160k_ade20k_20200615_184358-1890b0bd;
    pspnet_r101-d8_4xb4-160k_ade20k-512x512 resnet101-v1c 512x512 44.39 45.35 as=ade20k-pspnet101
      pspnet_r101-d8_512x512_160k_ade20k_20200615_100650-967c316f;
    mobilenet-v2-d8_pspnet_4xb4-160k_ade20k-512x512 mobilenetv2 512x512 29.68 - as=ade20k-pspnet-mobilenetv2
      in=mobilenet_v2/pspnet_m-v2-d8_512x512_160k_ade20k
      pspnet_m-v2-d8_512x512_160k_ade20k_20200825_214953-f5942f7a;
    resnest_s101-d8_pspnet_4xb4-160k_ade20k-512x512 resnest101 512x512 45.44 46.28 as=ade20k-pspnet-resnest101
      in=resnest/pspnet_s101-d8_512x512_160k_ade20k
      pspnet_s101-d8_512x512_160k_ade20k_20200807_145416-a6daa92a;
  `,
  voc2012: `
    pspnet_r50-d8_4xb4-20k_voc12aug-512x512 resnet50-v1c 512x512 76.78 77.61
      pspnet_r50-d8_512x512_20k_voc12aug_20200617_101958-ed5dfbd9;
    pspnet_r101-d8_4xb4-20k_voc12aug-512x512 resnet101-v1c 512x512 78.47 79.25
      pspnet_r101-d8_512x512_20k_voc12aug_20200617_102003-4aef3c9a;
    pspnet_r50-d8_4xb4-40k_voc12aug-512x512 resnet50-v1c 512x512 77.29 78.48 as=voc2012-pspnet50
      pspnet_r50-d8_512x512_40k_voc12aug_20200613_161222-ae9c1b8c;
    pspnet_r101-d8_4xb4-40k_voc12aug-512x512 resnet101-v1c 512x512 78.52 79.57 as=voc2012-pspnet101
      pspnet_r101-d8_512x512_40k_voc12aug_20200613_161222-bc933b18;
  `,
  "pascal-context": `
    pspnet_r101-d8_4xb4-40k_pascal-context-480x480 resnet101-v1c 480x480 46.6 47.78 as=pascal-context-pspnet101
      pspnet_r101-d8_480x480_40k_pascal_context_20200911_211210-bf0f5d7c;
    pspnet_r101-d8_4xb4-80k_pascal-context-480x480 resnet101-v1c 480x480 46.03 47.15
      pspnet_r101-d8_480x480_80k_pascal_context_20200911_190530-c86d6233;
  `,
  "pascal-context59": `
    pspnet_r101-d8_4xb4-40k_pascal-context-59-480x480 resnet101-v1c 480x480 52.02 53.54
      pspnet_r101-d8_480x480_40k_pascal_context_59_20210416_114524-86d44cd4;
    pspnet_r101-d8_4xb4-80k_pascal-context-59-480x480 resnet101-v1c 480x480 52.47 53.99 as=pascal-context59-pspnet101
      pspnet_r101-d8_480x480_80k_pascal_context_59_20210416_114418-fa6caaa2;
  `,
  "coco-stuff10k": `
    pspnet_r50-d8_4xb4-20k_coco-stuff10k-512x512 resnet50-v1c 512x512 35.69 36.62
      pspnet_r50-d8_512x512_4x4_20k_coco-stuff10k_20210820_203258-b88df27f;
    pspnet_r101-d8_4xb4-20k_coco-stuff10k-512x512 resnet101-v1c 512x512 37.26 38.52
      pspnet_r101-d8_512x512_4x4_20k_coco-stuff10k_20210820_232135-76aae482;
    pspnet_r50-d8_4xb4-40k_coco-stuff10k-512x512 resnet50-v1c 512x512 36.33 37.24 as=coco-stuff10k-pspnet50
      pspnet_r50-d8_512x512_4x4_40k_coco-stuff10k_20210821_030857-92e2902b;
    pspnet_r101-d8_4xb4-40k_coco-stuff10k-512x512 resnet101-v1c 512x512 37.76 38.86 as=coco-stuff10k-pspnet101
      pspnet_r101-d8_512x512_4x4_40k_coco-stuff10k_20210821_014022-831aec95;
  `,
  "coco-stuff164k": `
    pspnet_r50-d8_4xb4-80k_coco-stuff164k-512x512 resnet50-v1c 512x512 38.8 39.19
      pspnet_r50-d8_512x512_4x4_80k_coco-stuff164k_20210707_152034-0e41b2db;
    pspnet_r101-d8_4xb4-80k_coco-stuff164k-512x512 resnet101-v1c 512x512 40.34 40.79
      pspnet_r101-d8_512x512_4x4_80k_coco-stuff164k_20210707_152034-7eb41789;
    pspnet_r50-d8_4xb4-160k_coco-stuff164k-512x512 resnet50-v1c 512x512 39.64 39.97
      pspnet_r50-d8_512x512_4x4_160k_coco-stuff164k_20210707_152004-51276a57;
    pspnet_r101-d8_4xb4-160k_coco-stuff164k-512x512 resnet101-v1c 512x512 41.28 41.66
      pspnet_r101-d8_512x512_4x4_160k_coco-stuff164k_20210707_152004-4af9621b;
    pspnet_r50-d8_4xb4-320k_coco-stuff164k-512x512 resnet50-v1c 512x512 40.53 40.75 as=coco-stuff164k-pspnet50
      pspnet_r50-d8_512x512_4x4_320k_coco-stuff164k_20210707_152004-be9610cc;
    pspnet_r101-d8_4xb4-320k_coco-stuff164k-512x512 resnet101-v1c 512x512 41.95 42.42 as=coco-stuff164k-pspnet101
      pspnet_r101-d8_512x512_4x4_320k_coco-stuff164k_20210707_152004-72220c60;
  `,
  loveda: `
    pspnet_r18-d8_4xb4-80k_loveda-512x512 resnet18-v1c 512x512 48.62 47.57 as=loveda-pspnet18
      pspnet_r18-d8_512x512_80k_loveda_20211105_052100-b97697f1;
    pspnet_r50-d8_4xb4-80k_loveda-512x512 resnet50-v1c 512x512 50.46 50.19 as=loveda-pspnet50
      pspnet_r50-d8_512x512_80k_loveda_20211104_155728-88610f9f;
    pspnet_r101-d8_4xb4-80k_loveda-512x512 resnet101-v1c 512x512 51.86 51.34 as=loveda-pspnet101
      pspnet_r101-d8_512x512_80k_loveda_20211104_153212-1c06c6a8;
  `,
  potsdam: `
    pspnet_r18-d8_4xb4-80k_potsdam-512x512 resnet18-v1c 512x512 77.09 78.3 as=potsdam-pspnet18
      pspnet_r18-d8_4x4_512x512_80k_potsdam_20211220_125612-7cd046e1;
    pspnet_r50-d8_4xb4-80k_potsdam-512x512 resnet50-v1c 512x512 78.12 78.98 as=potsdam-pspnet50
      pspnet_r50-d8_4x4_512x512_80k_potsdam_20211219_043541-2dd5fe67;
    pspnet_r101-d8_4xb4-80k_potsdam-512x512 resnet101-v1c 512x512 78.62 79.47 as=potsdam-pspnet101
      pspnet_r101-d8_4x4_512x512_80k_potsdam_20211220_125612-aed036c4;
  `,
  vaihingen: `
    pspnet_r18-d8_4xb4-80k_vaihingen-512x512 resnet18-v1c 512x512 71.46 73.36 as=vaihingen-pspnet18
      pspnet_r18-d8_4x4_512x512_80k_vaihingen_20211228_160355-52a8a6f6;
    pspnet_r50-d8_4xb4-80k_vaihingen-512x512 resnet50-v1c 512x512 72.36 73.75 as=vaihingen-pspnet50
      pspnet_r50-d8_4x4_512x512_80k_vaihingen_20211228_160355-382f8f5b;
    pspnet_r101-d8_4xb4-80k_vaihingen-512x512 resnet101-v1c 512x512 72.61 74.18 as=vaihingen-pspnet101
      pspnet_r101-d8_4x4_512x512_80k_vaihingen_20211231_230806-8eba0a09;
  `,
  isaid: `
    pspnet_r18-d8_4xb4-80k_isaid-896x896 resnet18-v1c 896x896 60.22 61.25 as=isaid-pspnet18
      pspnet_r18-d8_4x4_896x896_80k_isaid_20220110_180526-e84c0b6a;
    pspnet_r50-d8_4xb4-80k_isaid-896x896 resnet50-v1c 896x896 65.36 66.48 as=isaid-pspnet50
      pspnet_r50-d8_4x4_896x896_80k_isaid_20220110_180629-1f21dc32;
  `,
};

/** `https://<address>/<name>/model.pdparams`. */
export const PADDLESEG: ZooTable = {
  cityscapes: `
    pspnet_resnet50_os8_cityscapes_1024x512_80k resnet50-vd 512x1024 78.83 79.66 as=paddle-cityscapes-pspnet50
      bj.bcebos.com/paddleseg/dygraph/cityscapes;
    pspnet_resnet101_os8_cityscapes_1024x512_80k resnet101-vd 512x1024 80.48 81.29 as=paddle-cityscapes-pspnet101
      bj.bcebos.com/paddleseg/dygraph/cityscapes;
  `,
  voc2012: `
    pspnet_resnet50_os8_voc12aug_512x512_40k resnet50-vd 512x512 80.76 81.18 as=paddle-voc2012-pspnet50
      bj.bcebos.com/paddleseg/dygraph/pascal_voc12;
    pspnet_resnet101_os8_voc12aug_512x512_40k resnet101-vd 512x512 80.22 80.68 as=paddle-voc2012-pspnet101
      bj.bcebos.com/paddleseg/dygraph/pascal_voc12;
  `,
  isaid: `
    pspnet_resnet50_vd_isaid_512x512_80k resnet50-vd 512x512 63.36 - as=paddle-isaid-pspnet50
      paddleseg.bj.bcebos.com/dygraph/isaid;
    pspnet_pixpro_imgnet_resnet50_isaid_512x512 resnet50b 896x896 50.23 - stride32
      paddleseg.bj.bcebos.com/dygraph/isaid/ssl;
  `,
  potsdam: `
    pspnet_resnet50_vd_potsdam_512x512_80k resnet50-vd 512x512 77.69 - as=paddle-potsdam-pspnet50
      paddleseg.bj.bcebos.com/dygraph/potsdam;
  `,
};

/** `http://sceneparsing.csail.mit.edu/model/pytorch/<name>/encoder_epoch_<address>.pth`, and `decoder_...` */
export const CSAIL: ZooTable = {
  ade20k: `
    ade20k-resnet50dilated-ppm_deepsup resnet50-csail - 41.26 42.14 as=csail-ade20k-pspnet50 20;
    ade20k-resnet101dilated-ppm_deepsup resnet101-csail - 42.19 42.53 as=csail-ade20k-pspnet101 25;
    ade20k-resnet18dilated-ppm_deepsup resnet18-csail - 38.0 38.81 as=csail-ade20k-pspnet18 bytes=45415518,53019215 20;
  `,
};

/**
 * Below https://download.pytorch.org/models, backbones alone: `name top-1 file;`. `-v2` are those of the later recipe. The hash at the end
 * begins the sha256.
 */
export const TORCHVISION = `
  resnet18 69.758 resnet18-f37072fd;
  resnet34 73.314 resnet34-b627a593;
  resnet50 76.13 resnet50-0676ba61;
  resnet50-v2 80.858 resnet50-11ad3fa6;
  resnet101 77.374 resnet101-63fe2227;
  resnet101-v2 81.886 resnet101-cd907fc2;
  resnet152 78.312 resnet152-394f9c45;
  resnet152-v2 82.284 resnet152-f82ba261;
  densenet121 74.434 densenet121-a639ec97;
  squeezenet1_1 58.178 squeezenet1_1-b8a52dc0;
  mobilenet_v2 71.878 mobilenet_v2-b0353104;
  mobilenet_v2-v2 72.154 mobilenet_v2-7ebf99e0;
`;
