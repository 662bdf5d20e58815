const units: [seconds: number, name: string][] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
];

/** A time span as Protobuf's JSON has it, "93600s", as people read it: "1 d 2 h". Undefined when it is none. */
export function span(text: string): string | undefined {
  const [, sign, whole, fraction] = /^(-?)(\d+)(\.\d+)?s$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  let rest = Number(whole);
  const parts: string[] = [];
  for (const [size, name] of units) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) parts.push(`${amount} ${name}`);
  }
  const seconds = `${rest}${(fraction ?? "").replace(/0+$/, "").replace(/^\.$/, "")}`;
  if (seconds !== "0" || parts.length === 0) parts.push(`${seconds} s`);
  return `${sign === "-" ? "−" : ""}${parts.join(" ")}`;
}
