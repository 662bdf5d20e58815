import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ReactNode } from "react";
import type { Target, TargetSchema } from "#gen/postrider/v1/subscription_pb";
import type { FieldFault } from "@/rpc/fault";
import type { Kept } from "@/store/kept";

/** One type of target: its part of the form, and what a subscription's page shows of it. */
export interface TargetKind<State> {
  label: string;
  empty: State;
  /** The form as a stored target of this type fills it; undefined for a target of another type. */
  read: (target: Target | undefined) => State | undefined;
  write: (state: State) => MessageInitShape<typeof TargetSchema>;
  /** What is typed, by the path of its field in a request. */
  texts: (state: State) => Record<string, string>;
  /** What of the state may be stored in the browser. */
  kept: Kept<State>;
  /** What breaks the rules of the contract, in plain words; everything else the server judges. */
  faults: (state: State) => FieldFault[];
  Fields: (props: TargetFieldsProps<State>) => ReactNode;
  /** Where events go, as one line; "" for a target of another type. */
  place: (target: Target | undefined) => string;
  facts: (target: Target | undefined) => [string, ReactNode][];
}

export interface TargetFieldsProps<State> {
  state: State;
  set: (change: Partial<State>) => void;
}

/** Stands where a stored secret is, and keeps it as long as the address stays. */
export const hiddenValue = "•••";

/**
 * Of an address only the server is stored: a path or a query may be the secret of a webhook. Nothing is stored before the path has
 * begun, or when there is an "@", since what is typed until then may be a login.
 */
export const serverAlone: Kept<string> = {
  write: (url, initial) => (url === initial ? undefined : serverOf(url)),
  read: (stored, initial) => {
    if (stored === undefined) return initial;
    return typeof stored === "string" ? stored : undefined;
  },
};

function serverOf(url: string): string {
  const server = /^\s*(https?:\/\/[\w.:[\]-]+)[/?#]/i.exec(url)?.[1] ?? "";
  return !url.includes("@") && URL.canParse(server) ? server : "";
}
