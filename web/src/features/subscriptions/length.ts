/** The number of characters, as the contract counts them: an emoji is one. */
export function lengthOf(text: string): number {
  return [...text].length;
}
