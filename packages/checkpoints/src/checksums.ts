/** A cyclic redundancy check of 32 bits by its polynomial, lowest bit first. */
function checksum(polynomial: number): (bytes: Uint8Array) => number {
  const table = Uint32Array.from({ length: 256 }, (_, start) => {
    let value = start;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value;
  });
  return (bytes) => {
    let crc = 0xffff_ffff;
    for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]) & 255];
    return ~crc >>> 0;
  };
}

/** That of zip, gzip and PNG, 0 to 2^32 - 1. */
export const crc32 = checksum(0xedb8_8320);

/** CRC-32C of RFC 3720 (Castagnoli's polynomial), 0 to 2^32 - 1. */
export const crc32c = checksum(0x82f6_3b78);

/** CRC-32C as TensorFlow stores it, rotated and shifted so that a checksum of checksums stays one. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
}
