/** A body over the limit. */
export class BodyTooLargeError extends Error {
  override name = "BodyTooLargeError";
}

/** Reads a body as it was sent, up to a limit. */
export async function readBody(
  chunks: AsyncIterable<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks ?? []) {
    length += chunk.byteLength;
    if (length > maxBytes) throw new BodyTooLargeError(`the body has more than ${maxBytes} bytes`);
    parts.push(chunk);
  }
  return join(parts, length);
}

function join(parts: Uint8Array[], length: number): Uint8Array {
  const body = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.byteLength;
  }
  return body;
}
