/**
 * Text of the shell's world is a *byte string*: every character is one byte (0 to 255), as in the C locale that the guest of the
 * parity tests has. So lengths, sort orders and binary data through pipes are what they are there.
 */

/** The bytes of a byte string. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The string of character codes: in pieces that fit as arguments. */
export function stringOf(codes: Uint8Array | Uint16Array): string {
  let text = '';
  for (let i = 0; i < codes.length; i += 8192)
    text += String.fromCharCode.apply(null, codes.subarray(i, i + 8192) as unknown as number[]);
  return text;
}

/** The byte string of bytes. */
export function textOf(bytes: Uint8Array): string {
  return stringOf(bytes);
}

/** A JavaScript string (what the user wrote) as the byte string of its UTF-8. */
export function byteString(text: string): string {
  return textOf(new TextEncoder().encode(text));
}
