const alphabet = "0123456789abcdefghijklmnopqrstuv";
const last = new Uint8Array(16);

/**
 * Makes an event id as the server does: "evt_", 48 bits of milliseconds, then 80 random bits that grow by one within a
 * millisecond. Ids that are neighbours in time are neighbours in the server's index, which makes storing them cheap.
 */
export function newEventId(): string {
  const now = millisecondBytes(Date.now());
  if (isLater(now, last)) {
    crypto.getRandomValues(last);
    last.set(now);
  } else {
    increment(last);
  }
  return `evt_${base32(last)}`;
}

function millisecondBytes(ms: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(ms) << 16n);
  return bytes.subarray(0, 6);
}

function isLater(time: Uint8Array, than: Uint8Array): boolean {
  const differing = time.findIndex((byte, i) => byte !== than[i]);
  return differing >= 0 && (time[differing] ?? 0) > (than[differing] ?? 0);
}

/** Adds one. When the random bits run over, the id is of the next millisecond. */
function increment(bytes: Uint8Array): void {
  for (let i = bytes.length - 1; i >= 0; i--) {
    const next = ((bytes[i] ?? 0) + 1) & 0xff;
    bytes[i] = next;
    if (next !== 0) return;
  }
}

/** Base32 whose text sorts as the bytes do, without padding. */
function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let pending = 0;
  for (const byte of bytes) {
    pending = (pending << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(pending >> (bits - 5)) & 31];
    pending &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet[(pending << (5 - bits)) & 31] : text;
}
