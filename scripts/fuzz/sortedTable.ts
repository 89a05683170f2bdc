/** Mutations of TensorFlow's tables of tensors, checksums made right: https://github.com/google/leveldb/blob/main/doc/table_format.md */
import { maskedCrc32c } from "@pspnet/checkpoints";
import { sortedTable, type TableEntry } from "../../packages/checkpoints/src/tensorflow/sortedTable.js";
import { concat, integerBytes, type Mutation, mutateBytes, pick } from "./bytes.js";
import { mutateProtobuf, varint } from "./protobuf.js";

const MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);
const FOOTER_SIZE = 48;

export function isTable(bytes: Uint8Array): boolean {
  return bytes.length > FOOTER_SIZE && Buffer.from(bytes.subarray(-MAGIC.length)).equals(MAGIC);
}

const number = (value: number) => varint(BigInt(value));

/** Shares nothing with the key before. */
function entryBytes({ key, value }: TableEntry): Uint8Array {
  return concat(number(0), number(key.length), number(value.length), key, value);
}

/** Not compressed, one place where a key stands whole, signed. */
function block(content: Uint8Array): Uint8Array {
  const signed = concat(content, integerBytes(0n, 4), integerBytes(1n, 4), Uint8Array.of(0));
  return concat(signed, integerBytes(BigInt(maskedCrc32c(signed)), 4));
}

const handle = (at: number, { length }: Uint8Array) => concat(number(at), number(length - 5));

function table(entries: Uint8Array): Uint8Array {
  const data = block(entries);
  const index = block(entryBytes({ key: Uint8Array.of(255), value: handle(0, data) }));
  const footer = concat(number(0), number(0), handle(data.length, index));
  const padding = new Uint8Array(FOOTER_SIZE - MAGIC.length - footer.length);
  return concat(data, index, footer, padding, MAGIC);
}

/** Changes an entry, or the bytes of all, of a table that is signed anew. */
export const mutateTable: Mutation = (bytes, random, others) => {
  let entries: TableEntry[];
  try {
    entries = [...sortedTable(bytes)];
  } catch {
    return mutateBytes(bytes, random, others);
  }
  if (entries.length === 0) return mutateBytes(bytes, random, others);
  const at = random.integer(0, entries.length);
  const { key, value } = entries[at];
  const all = () => concat(...entries.map((entry) => entryBytes(entry)));
  switch (random.integer(0, 6)) {
    case 0:
      return table(mutateBytes(all(), random, [all()]));
    case 1:
      entries.splice(at, 1);
      break;
    case 2:
      entries.splice(at, 0, pick(entries, random));
      break;
    case 3:
      entries[at] = { key: mutateBytes(key, random, [key]), value };
      break;
    default:
      entries[at] = { key, value: mutateProtobuf(value, random, [value]) };
  }
  return table(all());
};
