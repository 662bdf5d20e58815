import type { SVGProps } from "react";

const paths = {
  overview: "M2 13.5h12M2.5 10.5l3-4 3 2.5 5-6",
  events: "M2 4h12M2 8h12M2 12h7",
  subscriptions: "M2 3.5h9a3 3 0 0 1 0 6H5.5m0 0 2.5-2.5M5.5 9.5 8 12M2 3.5v9",
  deliveries:
    "M1.5 4.5h8v7h-8zm8 2h2.6l2.4 2.6v2.4h-5M4 11.5a1.4 1.4 0 1 0 .1 0m7.4 0a1.4 1.4 0 1 0 .1 0",
  types: "M3 2.5h10v11H3zM5.5 5.5h5m-5 2.5h5m-5 2.5h3",
  playground: "M6 2v4L2.5 12.5c-.4.8.1 1.5 1 1.5h9c.9 0 1.4-.7 1-1.5L10 6V2M5 2h6M4.5 10h7",
  key: "M9.5 6.5 14 2m-2 2 1.6 1.6M10 8.5a3.5 3.5 0 1 1-2.5-2.5c.9.3 1.7 1 2.1 1.6",
  tenants: "M2 14V6l4-3v11M6 14V6.5h8V14M1 14h14M9 9h2m-2 2.5h2M3.8 7.5h.4m-.4 3h.4",
  plus: "M8 3v10M3 8h10",
  close: "m4 4 8 8m0-8-8 8",
  pause: "M5.5 3.5v9m5-9v9",
  play: "M5 3.2v9.6L12.8 8z",
  copy: "M5.5 5.5v-3h8v8h-3m-8-5h8v8h-8z",
  check: "m3 8.5 3.5 3.5L13 4.5",
  chevron: "m6 3.5 4.5 4.5L6 12.5",
  back: "m10 3.5-4.5 4.5 4.5 4.5",
  retry: "M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6ZM8 1v1.5m0 11V15m7-7h-1.5m-11 0H1m11.9-4.9-1 1m-7.8 7.8-1 1m9.8 0-1-1M4.1 4.1l-1-1",
  moon: "M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1Z",
  system: "M2 3h12v8H2zm3.5 11h5M8 11v3",
  warning: "M8 2 1.5 13.5h13zM8 6.5v3m0 2v.3",
  up: "m3.5 8 4.5-4.5L12.5 8M8 3.5v9.5",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6Z",
  trash: "M2.5 4.5h11m-7-2h3m-5.5 2 .6 9h6.8l.6-9M6.6 7v4m2.8-4v4",
  more: "M3.5 8h.1M8 8h.1m4.4 0h.1",
  help: "M6 6a2 2 0 1 1 2.7 1.9c-.5.2-.7.6-.7 1.1v.5m0 2v.3M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Z",
} as const;

export type IconName = keyof typeof paths;

/** A line drawing beside a word, or in a button that has a label: never the only bearer of a meaning. */
export function Icon({ name, ...props }: { name: IconName } & SVGProps<SVGSVGElement>) {
  return (
    <svg
      viewBox="0 0 16 16"
      width="1.15em"
      height="1.15em"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      {...props}
    >
      <path d={paths[name]} />
    </svg>
  );
}
