import { render, screen } from "@testing-library/react";
import { Fragment } from "react";
import { describe, expect, it } from "vitest";
import { EventType } from "../event-type";
import { JsonView } from "../json/json-view";
import { visible } from "./visible";

const hostile = "a\u001b[2J\u202egpj.exe\u2066\u200d\u{e0041}\u0085z";
const harmless = "a\\u001b[2J\\u202egpj.exe\\u2066\\u200d\\udb40\\udc41\\u0085z";
const acting = new RegExp(
  "[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u00ad\\u200b-\\u200f" +
    "\\u2028-\\u202e\\u2060-\\u206f\\ufeff]",
);

describe("texts that others have chosen", () => {
  it.each([
    ["plain", "plain"],
    ["two\n\tlines\r\n", "two\n\tlines\r\n"],
    ["שלום ä € 😀", "שלום ä € 😀"],
    [hostile, harmless],
    ["\u2028\u2029\ufeff\u00ad", "\\u2028\\u2029\\ufeff\\u00ad"],
  ])("shows %j", (text, want) => {
    expect(visible(text)).toBe(want);
  });

  it("shows them escaped wherever they stand", () => {
    const items = [hostile, 1, null, <b key="b">{hostile}</b>];
    const { container } = render(
      <section aria-label={hostile} title={hostile}>
        {hostile}
        <p>
          before {hostile} <code>{[hostile, [hostile]]}</code>
        </p>
        <Fragment key="f">
          {hostile}
          {items}
        </Fragment>
        <EventType name={`order.${hostile}`} />
        <Bare>{hostile}</Bare>
        <input placeholder={hostile} defaultValue={hostile} aria-label="input" />
        <select aria-label="select">
          <option>{hostile}</option>
        </select>
      </section>,
    );
    expect(container.textContent).not.toMatch(acting);
    expect(container.textContent?.split(harmless).length).toBe(11);
    for (const element of container.querySelectorAll("*")) {
      for (const { name, value } of element.attributes) {
        if (name !== "value") expect(`${name}=${value}`).not.toMatch(acting);
      }
    }
    // What is edited stays what it is.
    expect(screen.getByLabelText<HTMLInputElement>("input").value).toBe(hostile);
  });

  it("shows them escaped in a payload, and copies what was sent", () => {
    const text = JSON.stringify({ [hostile]: { text: hostile } }).replaceAll("\\u001b", "\u001b");
    for (const one of [JSON.stringify({ [hostile]: { text: hostile } }), text, hostile]) {
      const { container, unmount } = render(<JsonView text={one} label="Data" />);
      expect(container.textContent).not.toMatch(acting);
      for (const { ariaLabel } of container.querySelectorAll("*")) {
        expect(ariaLabel ?? "").not.toMatch(acting);
      }
      unmount();
    }
  });

  it("leaves a mirror of a control as it is", () => {
    const { container } = render(<div data-verbatim>{"\u200b"}</div>);
    expect(container.textContent).toBe("\u200b");
  });
});

/** Returns its children as they are, without an element around them. */
function Bare({ children }: { children: string }) {
  return children;
}
