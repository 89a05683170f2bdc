import * as web from "@pspnet/web";

/** Bytes as text, which a page hands out fast. */
function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

// What the tests call in the page.
Object.assign(globalThis, { web, base64 });
