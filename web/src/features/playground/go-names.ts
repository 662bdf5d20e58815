import type { DescFile } from "@bufbuild/protobuf";

/** Methods of every generated message, which a field may not be called. */
const taken = new Set(["Reset", "String", "ProtoMessage", "ProtoReflect", "Descriptor"]);

/** A name as protoc-gen-go writes it: ship_to is ShipTo, Outer.Inner is Outer_Inner. */
export function goCamelCase(name: string): string {
  return name
    .replaceAll(/\.([a-z])/g, (_, letter: string) => letter.toUpperCase())
    .replaceAll(".", "_")
    .replace(/^_/, "X_")
    .replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    .replaceAll(
      /(^|\d)([a-z])/g,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    );
}

export function goFieldName(name: string): string {
  const camel = goCamelCase(name);
  return taken.has(camel) ? `${camel}_` : camel;
}

/** Where the generated code of a file is, and the name it is used under. Without an option of its own both are guesses. */
export function goPackage(file: DescFile): { path: string; name: string } {
  const [path = "", chosen] = (file.proto.options?.goPackage ?? "").split(";");
  const folder = file.name.split("/").slice(0, -1).join("/");
  const last = path.split("/").at(-1) ?? "";
  const guess = path === "" || /^v\d/.test(last) ? packageName(file.proto.package) : last;
  return {
    path: path || `example.com/gen/${folder || "events"}`,
    name: chosen ?? guess.replaceAll(/[^A-Za-z0-9_]/g, ""),
  };
}

/** shop.v1 is shopv1, acme.shop.v1 too. */
function packageName(name: string): string {
  const parts = name.split(".");
  const isVersioned = /^v\d/.test(parts.at(-1) ?? "");
  return parts.slice(isVersioned ? -2 : -1).join("") || "events";
}
