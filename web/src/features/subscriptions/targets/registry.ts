import type { Target } from "#gen/postrider/v1/subscription_pb";
import type { FieldFault } from "@/rpc/fault";
import { fields } from "@/store/kept";
import { nats } from "./nats/nats";
import type { TargetKind } from "./target";
import { webhook } from "./webhook/webhook";

/** The types of target by their case in postrider.v1.Target, one line each. */
export const targetKinds = { webhook, nats };

export type Kind = keyof typeof targetKinds;
type StateOf<K> = K extends TargetKind<infer State> ? State : never;

/** What is typed for each type, so that another choice of the type loses nothing. */
export type TargetStates = { [K in Kind]: StateOf<(typeof targetKinds)[K]> };
const kinds: { [K in Kind]: TargetKind<TargetStates[K]> } = targetKinds;

export const kindNames = Object.keys(targetKinds) as Kind[];

/** The paths of a request that the forms have fields for. */
export const targetPaths: string[] = kindNames.flatMap((kind) =>
  Object.keys(kinds[kind].texts(kinds[kind].empty as never)),
);

export function isKind(name: string | undefined): name is Kind {
  return kindNames.some((kind) => kind === name);
}

export function readTargets(target: Target | undefined): { kind: Kind; targets: TargetStates } {
  const kind = target?.config.case;
  return {
    kind: isKind(kind) ? kind : "webhook",
    targets: Object.fromEntries(
      kindNames.map((name) => [name, kinds[name].read(target) ?? kinds[name].empty]),
    ) as unknown as TargetStates,
  };
}

export function writeTarget<K extends Kind>(kind: K, targets: TargetStates) {
  return kinds[kind].write(targets[kind]);
}

export const keptTargets = fields<TargetStates>({ webhook: webhook.kept, nats: nats.kept });

export function targetTexts<K extends Kind>(kind: K, targets: TargetStates) {
  return kinds[kind].texts(targets[kind]);
}

export function targetFaults<K extends Kind>(kind: K, targets: TargetStates): FieldFault[] {
  return kinds[kind].faults(targets[kind]);
}

export function targetFields<K extends Kind>(
  kind: K,
  targets: TargetStates,
  set: (targets: TargetStates) => void,
) {
  const { Fields } = kinds[kind];
  return Fields({
    state: targets[kind],
    set: (change) => set({ ...targets, [kind]: { ...targets[kind], ...change } }),
  });
}

/** Where events go. */
export function placeOf({ target }: { target?: Target }): string {
  const kind = target?.config.case;
  return isKind(kind) ? kinds[kind].place(target) : (kind ?? "");
}

export function targetFacts(target: Target | undefined) {
  const kind = target?.config.case;
  return isKind(kind) ? kinds[kind].facts(target) : [];
}
