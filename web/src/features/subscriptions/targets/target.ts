import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ReactNode } from "react";
import type { Target, TargetSchema } from "#gen/postrider/v1/subscription_pb";
import type { FieldFault } from "@/rpc/fault";

/** One type of target: its part of the form, and what a subscription's page shows of it. */
export interface TargetKind<State> {
  label: string;
  /** The paths of a request that the form has fields for. */
  paths: readonly string[];
  empty: State;
  /** The form as a stored target of this type fills it; undefined for a target of another type. */
  read: (target: Target | undefined) => State | undefined;
  write: (state: State) => MessageInitShape<typeof TargetSchema>;
  /** What may be kept of the state in the browser. */
  withoutSecrets: (state: State) => State;
  /** What cannot even be sent; everything else the server judges. */
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

/** Nothing of a secret that was typed; a stored one is not in the page. */
export function withoutSecret(text: string): string {
  return text === hiddenValue ? text : "";
}

/** Addresses without the login that may be in them. */
export function withoutLogin(urls: string): string {
  return urls.replace(/\/\/[^\s/?#,]*@/g, "//");
}
