/** Items separated by commas or line ends. */
export function splitList(text: string): string[] {
  return text
    .split(/[,\n]+/)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
