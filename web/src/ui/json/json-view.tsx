import { useMemo, useState } from "react";
import { Button } from "../button";
import { CopyButton } from "../copy";
import { Icon } from "../icon";
import styles from "./json-view.module.css";
import { pretty } from "./pretty";
import { type Child, type Container, isContainer, type Node, readTree } from "./tree";

/** What takes more lines than this starts folded, so that a payload of a megabyte opens at once. */
const openLines = 300;
/** The number of members of a container that are shown before the user asks for more. */
const chunk = 100;

/**
 * A JSON text laid out, coloured and foldable, with every number and key as it was sent. A text that is not JSON is shown
 * as it is. `name` is the region's, where a page has several views with one label.
 */
export function JsonView({
  text,
  label,
  name = label,
}: {
  text: string;
  label: string;
  name?: string;
}) {
  const tree = useMemo(() => readTree(text), [text]);
  return (
    <figure className={styles.view}>
      <figcaption className={styles.caption}>
        <span>{label}</span>
        <CopyButton text={tree ? pretty(text) : text} />
      </figcaption>
      {tree ? (
        <section className={styles.body} aria-label={name} tabIndex={0}>
          <Value child={{ node: tree }} last root />
        </section>
      ) : (
        <PlainText text={text} label={name} />
      )}
    </figure>
  );
}

function PlainText({ text, label }: { text: string; label: string }) {
  return (
    <section className={styles.body} aria-label={label} tabIndex={0}>
      <pre className={styles.plain}>{text === "" ? "(empty)" : text}</pre>
    </section>
  );
}

function Value({ child, last, root }: { child: Child; last: boolean; root?: boolean }) {
  const { node } = child;
  if (isContainer(node) && node.children.length > 0) {
    return <Foldable child={child} node={node} last={last} root={root} />;
  }
  return (
    <div className={styles.line}>
      <Key lexeme={child.key} />
      <Lexeme node={node} />
      {!last && ","}
    </div>
  );
}

function Foldable(props: { child: Child; node: Container; last: boolean; root?: boolean }) {
  const { child, node, last, root } = props;
  const [open, setOpen] = useState(root || node.lines <= openLines);
  const [start, end] = node.kind === "object" ? ["{", "}"] : ["[", "]"];
  return (
    <div>
      <div className={styles.line}>
        <button
          type="button"
          className={styles.fold}
          aria-expanded={open}
          aria-label={`${open ? "Fold" : "Unfold"} ${child.key ?? "this value"}`}
          onClick={() => setOpen(!open)}
        >
          <Icon name="chevron" />
        </button>
        <Key lexeme={child.key} />
        {start}
        {!open && (
          <>
            <span className={styles.count}>{countLabel(node)}</span>
            {end}
            {!last && ","}
          </>
        )}
      </div>
      {open && <Members node={node} />}
      {open && (
        <div className={styles.line}>
          {end}
          {!last && ","}
        </div>
      )}
    </div>
  );
}

function Members({ node }: { node: Container }) {
  const [shown, setShown] = useState(chunk);
  const rest = node.children.length - shown;
  return (
    <div className={styles.members}>
      {node.children.slice(0, shown).map((child, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the text never changes in place, and keys may repeat in JSON.
        <Value key={index} child={child} last={index === node.children.length - 1} />
      ))}
      {rest > 0 && (
        <Button kind="quiet" onClick={() => setShown(shown + chunk * 10)}>
          Show more ({rest} left)
        </Button>
      )}
    </div>
  );
}

function Key({ lexeme }: { lexeme: string | undefined }) {
  if (lexeme === undefined) return null;
  return (
    <>
      <span className={styles.key}>{lexeme}</span>
      {": "}
    </>
  );
}

function Lexeme({ node }: { node: Node }) {
  if (isContainer(node)) return node.kind === "object" ? "{}" : "[]";
  return <span className={styles[node.kind]}>{node.lexeme}</span>;
}

function countLabel({ kind, children }: Container): string {
  const [one, many] = kind === "object" ? ["field", "fields"] : ["item", "items"];
  return ` ${children.length} ${children.length === 1 ? one : many} `;
}
