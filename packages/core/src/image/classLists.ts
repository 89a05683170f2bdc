import type { ClassList, Rgb } from "./classes.js";

/** The 150 classes of the ADE20K scene parsing benchmark, colours of the official release. */
export const ADE20K: ClassList = classList(`
  wall=787878; building=b47878; sky=06e6e6; floor=503232; tree=04c803; ceiling=787850; road=8c8c8c; bed=cc05ff;
  windowpane=e6e6e6; grass=04fa07; cabinet=e005ff; sidewalk=ebff07; person=96053d; earth=787846; door=08ff33;
  table=ff0652; mountain=8fff8c; plant=ccff04; curtain=ff3307; chair=cc4603; car=0066c8; water=3de6fa;
  painting=ff0633; sofa=0b66ff; shelf=ff0747; house=ff09e0; sea=0907e6; mirror=dcdcdc; rug=ff095c; field=7009ff;
  armchair=08ffd6; seat=07ffe0; fence=ffb806; desk=0aff47; rock=ff290a; wardrobe=07ffff; lamp=e0ff08;
  bathtub=6608ff; railing=ff3d06; cushion=ffc207; base=ff7a08; box=00ff14; column=ff0829; signboard=ff0599; chest of
  drawers=0633ff; counter=eb0cff; sand=a09614; sink=00a3ff; skyscraper=8c8c8c; fireplace=fa0a0f;
  refrigerator=14ff00; grandstand=1fff00; path=ff1f00; stairs=ffe000; runway=99ff00; case=0000ff; pool table=ff4700;
  pillow=00ebff; screen door=00adff; stairway=1f00ff; river=0bc8c8; bridge=ff5200; bookcase=00fff5; blind=003dff;
  coffee table=00ff70; toilet=00ff85; flower=ff0000; book=ffa300; hill=ff6600; bench=c2ff00; countertop=008fff;
  stove=33ff00; palm=0052ff; kitchen island=00ff29; computer=00ffad; swivel chair=0a00ff; boat=adff00; bar=00ff99;
  arcade machine=ff5c00; hovel=ff00ff; bus=ff00f5; towel=ff0066; light=ffad00; truck=ff0014; tower=ffb8b8;
  chandelier=001fff; awning=00ff3d; streetlight=0047ff; booth=ff00cc; television receiver=00ffc2; airplane=00ff52;
  dirt track=000aff; apparel=0070ff; pole=3300ff; land=00c2ff; bannister=007aff; escalator=00ffa3; ottoman=ff9900;
  bottle=00ff0a; buffet=ff7000; poster=8fff00; stage=5200ff; van=a3ff00; ship=ffeb00; fountain=08b8aa; conveyer
  belt=8500ff; canopy=00ff5c; washer=b800ff; plaything=ff001f; swimming pool=00b8ff; stool=00d6ff; barrel=ff0070;
  basket=5cff00; waterfall=00e0ff; tent=70e0ff; bag=46b8a0; minibike=a300ff; cradle=9900ff; oven=47ff00;
  ball=ff00a3; food=ffcc00; step=ff008f; tank=00ffeb; trade name=85ff00; microwave=ff00eb; pot=f500ff;
  animal=ff007a; bicycle=fff500; lake=0abed4; dishwasher=d6ff00; screen=00ccff; blanket=1400ff; sculpture=ffff00;
  hood=0099ff; sconce=0029ff; vase=00ffcc; traffic light=2900ff; tray=29ff00; ashcan=ad00ff; fan=00f5ff;
  pier=4700ff; crt screen=7a00ff; plate=00ffb8; monitor=005cff; bulletin board=b8ff00; shower=0085ff;
  radiator=ffd600; glass=19c2c2; clock=66ff00; flag=5c00ff
`);

/** PASCAL VOC 2012, background first. */
export const VOC2012: ClassList = classList(`
  background=000000; aeroplane=800000; bicycle=008000; bird=808000; boat=000080; bottle=800080; bus=008080;
  car=808080; cat=400000; chair=c00000; cow=408000; diningtable=c08000; dog=400080; horse=c00080; motorbike=408080;
  person=c08080; pottedplant=004000; sheep=804000; sofa=00c000; train=80c000; tvmonitor=004080
`);

/** The 19 scored classes of Cityscapes, by train id. */
export const CITYSCAPES: ClassList = classList(`
  road=804080; sidewalk=f423e8; building=464646; wall=66669c; fence=be9999; pole=999999; traffic light=faaa1e;
  traffic sign=dcdc00; vegetation=6b8e23; terrain=98fb98; sky=4682b4; person=dc143c; rider=ff0000; car=00008e;
  truck=000046; bus=003c64; train=005064; motorcycle=0000e6; bicycle=770b20
`);

/** CamVid, 11 classes in the order of the SegNet split, whose label 11 is void. */
export const CAMVID: ClassList = classList(`
  Sky=808080; Building=800000; Pole=c0c080; Road=804080; Pavement=3c28de; Tree=808000; SignSymbol=c08080;
  Fence=404080; Car=400080; Pedestrian=404000; Bicyclist=0080c0
`);

/** CamVid in the order of the official PyTorch release. */
export const CAMVID_SEMSEG: ClassList = classList(`
  Building=800000; Tree=808000; Sky=808080; Car=400080; SignSymbol=c08080; Road=804080; Pedestrian=404000;
  Fence=404080; Column_Pole=c0c080; Sidewalk=0000c0; Bicyclist=0080c0
`);

/** The lists by the name that configurations and commands give them. */
export const classLists = {
  ade20k: ADE20K,
  voc2012: VOC2012,
  cityscapes: CITYSCAPES,
  camvid: CAMVID,
  "camvid-semseg": CAMVID_SEMSEG,
} as const satisfies Record<string, ClassList>;

export type ClassListName = keyof typeof classLists;

/** The list that has these names in this order, if any has. */
export function classListNamed(names: readonly string[]): ClassListName | null {
  const same = (list: ClassList) =>
    list.names.length === names.length && list.names.every((name, id) => name === names[id]);
  return (Object.keys(classLists) as ClassListName[]).find((key) => same(classLists[key])) ?? null;
}

/** Cityscapes' label id of each train id, as its test server wants predictions. */
export const CITYSCAPES_LABEL_IDS: readonly number[] = [
  7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33,
];

/** The first `count` colours of PASCAL VOC's palette, for classes that have none; at most 256 are distinct. */
export function vocPalette(count: number): Rgb[] {
  return Array.from({ length: count }, (_, id) => [vocChannel(id, 0), vocChannel(id, 1), vocChannel(id, 2)]);
}

/** `class 0`, `class 1`, ... in PASCAL VOC's colours, for classes that nobody named. */
export function numberedClasses(count: number): ClassList {
  return { names: Array.from({ length: count }, (_, id) => `class ${id}`), palette: vocPalette(count) };
}

/** Bits `channel`, `channel` + 3, `channel` + 6 of the id are the channel's highest bits, highest first. */
function vocChannel(id: number, channel: number): number {
  let value = 0;
  for (let bit = 0; 3 * bit + channel < 8; bit++) value |= ((id >> (3 * bit + channel)) & 1) << (7 - bit);
  return value;
}

/** The list in `name=rrggbb; name=rrggbb`, which is read when it is first asked for. */
function classList(text: string): ClassList {
  let read: ClassList | undefined;
  const list = () => {
    read ??= parse(text);
    return read;
  };
  return {
    get names() {
      return list().names;
    },
    get palette() {
      return list().palette;
    },
  };
}

function parse(text: string): ClassList {
  const entries = text.split(";").map((entry) => entry.trim().split("="));
  const colour = (hex: string): Rgb => {
    const value = Number.parseInt(hex, 16);
    return [value >> 16, (value >> 8) & 255, value & 255];
  };
  return {
    names: entries.map(([name]) => name.replace(/\s+/g, " ")),
    palette: entries.map(([, hex]) => colour(hex)),
  };
}
