/** Control, format and bidirectional characters, and what else ends a line. Tabs and line ends are laid out as usual. */
const hidden = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const allHidden = new RegExp(hidden, "gu");

/** A text in which nothing acts unseen: such a character is shown by its number, as the command line shows it. */
export function visible(text: string): string {
  return hidden.test(text) ? text.replace(allHidden, escaped) : text;
}

function escaped(character: string): string {
  let text = "";
  for (let i = 0; i < character.length; i++) {
    text += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return text;
}
