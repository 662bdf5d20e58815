import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** A google.rpc.BadRequest detail as it comes over the wire. */
export function badRequest(faults: Record<string, string>) {
  const writer = new BinaryWriter();
  for (const [field, description] of Object.entries(faults)) {
    const violation = new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .string(field)
      .tag(2, WireType.LengthDelimited)
      .string(description)
      .finish();
    writer.tag(1, WireType.LengthDelimited).bytes(violation);
  }
  return { type: "google.rpc.BadRequest", value: writer.finish() };
}
