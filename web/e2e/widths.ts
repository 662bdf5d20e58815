import { expect, type Page } from "@playwright/test";

/** From the narrowest phone to a wide desktop, each side of the page's breakpoints. */
export const widths = [
  360, 375, 390, 412, 480, 600, 760, 820, 912, 1024, 1180, 1280, 1440, 1600,
] as const;

/**
 * Fails if anything shown is wider than its place, at any width: beyond the edge of the screen, out of its own
 * box, in one that has to be moved sideways, or cut without an ellipsis. Code may be moved sideways: `pre`, and what is marked data-sideways.
 */
export async function expectFits(page: Page): Promise<void> {
  const before = page.viewportSize() ?? { width: 1280, height: 800 };
  const found: string[] = [];
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    for (const fault of await page.evaluate(misfits)) found.push(`${width} px: ${fault}`);
  }
  await page.setViewportSize(before);
  expect.soft(found, `what does not fit on ${page.url()}`).toEqual([]);
}

/** Runs in the page, once it has been laid out. */
async function misfits(): Promise<string[]> {
  await new Promise((laidOut) => requestAnimationFrame(() => requestAnimationFrame(laidOut)));
  const screen = document.documentElement.clientWidth;
  const movable = "pre, [data-sideways]";
  const isHiddenOnPurpose = ({ position, clipPath }: CSSStyleDeclaration) =>
    position === "absolute" && clipPath.startsWith("inset(50%");
  const isOwnView = (element: Element) => element.matches("input, textarea, select, svg, svg *");

  const isOffScreen = ({ left, right, width, height, bottom }: DOMRect) =>
    width > 0 && height > 0 && bottom > 0 && (right > screen + 1 || left < -1);
  const isCut = (element: Element, { display }: CSSStyleDeclaration) =>
    display !== "inline" && element.scrollWidth > element.clientWidth + 1;
  const endsInEllipsis = ({ textOverflow, webkitLineClamp }: CSSStyleDeclaration) =>
    textOverflow === "ellipsis" || webkitLineClamp !== "none";

  /** What is wrong with this element by itself; "inside" if its content is nobody's concern. */
  const judge = (element: Element): string | undefined => {
    const style = getComputedStyle(element);
    if (!element.checkVisibility() || isHiddenOnPurpose(style)) return "inside";
    const rect = element.getBoundingClientRect();
    if (isOffScreen(rect)) return `from ${Math.round(rect.left)} to ${Math.round(rect.right)}`;
    if (element.matches(movable) || isOwnView(element)) return "inside";
    if (!isCut(element, style)) return undefined;
    if (endsInEllipsis(style) || element.clientWidth <= 1) return "inside";
    return `${element.clientWidth} of ${element.scrollWidth} px seen`;
  };

  /** The faults of the innermost elements that have one: what holds them does not fit either. */
  const visit = (element: Element): string[] => {
    const fault = judge(element);
    if (fault === "inside") return [];
    const within = [...element.children].flatMap(visit);
    if (within.length > 0 || fault === undefined) return within;
    const name = element.getAttribute("class")?.split(" ")[0] ?? element.getAttribute("aria-label");
    return [`${element.tagName.toLowerCase()} ${name ?? ""} ${fault}`];
  };
  return visit(document.documentElement);
}
