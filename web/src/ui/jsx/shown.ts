import { visible } from "./visible";

type Props = Record<string, unknown>;

/** Attributes whose text a person sees or hears, also of a component that hands them on, such as a link. */
const texts = [
  "alt",
  "aria-description",
  "aria-label",
  "aria-placeholder",
  "aria-roledescription",
  "aria-valuetext",
  "data-label",
  "placeholder",
  "title",
];

/** Marks an element that mirrors the text of a control: what is in it has to take the same room. */
const verbatim = "data-verbatim";

/**
 * The props of an element with every text in them made visible. It stands under all elements of the pages, since a text
 * that others have chosen (a subject, a key of a payload, a reason) may come to any place.
 */
export function shown(props: Props): Props {
  if (verbatim in props) return props;
  let changed: Props | undefined;
  const set = (name: string, value: unknown) => {
    if (value !== props[name]) changed = { ...(changed ?? props), [name]: value };
  };
  set("children", child(props.children));
  for (const name of texts) {
    const value = props[name];
    if (typeof value === "string") set(name, visible(value));
  }
  return changed ?? props;
}

function child(value: unknown): unknown {
  if (typeof value === "string") return visible(value);
  if (!Array.isArray(value)) return value;
  const children = value.map(child);
  return children.some((one, i) => one !== value[i]) ? children : value;
}
