import * as react from "react/jsx-runtime";
import { shown } from "./shown";

export type { JSX } from "react/jsx-runtime";
export { Fragment } from "react/jsx-runtime";

export const jsx: typeof react.jsx = (type, props, key) =>
  react.jsx(type, shown(props as Record<string, unknown>), key);

export const jsxs: typeof react.jsxs = (type, props, key) =>
  react.jsxs(type, shown(props as Record<string, unknown>), key);
