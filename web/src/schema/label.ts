import type { DescEnum, DescEnumValue } from "@bufbuild/protobuf";

/** An enum value as people say it: ORDER_CHANNEL_IN_STORE of OrderChannel is "In store". */
export function enumLabel({ parent, name }: DescEnumValue): string {
  const prefix = parent.sharedPrefix?.toUpperCase() ?? "";
  const bare = prefix !== "" && name.startsWith(prefix) ? name.slice(prefix.length) : name;
  const words = bare.replaceAll("_", " ").trim().toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The value with this name or number, as JSON writes it. */
export function enumValue(desc: DescEnum, text: string): DescEnumValue | undefined {
  return desc.values.find(({ name, number }) => name === text || String(number) === text);
}
