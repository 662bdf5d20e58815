import { createContext, type ReactNode, useContext, useEffect, useRef } from "react";
import type { Reachability } from "./reachability";

const ReachabilityContext = createContext<Reachability | undefined>(undefined);

export function ReachabilityProvider(props: { reachability: Reachability; children: ReactNode }) {
  return <ReachabilityContext value={props.reachability}>{props.children}</ReachabilityContext>;
}

export function useReachability(): Reachability {
  const reachability = useContext(ReachabilityContext);
  if (!reachability) throw new Error("useReachability needs a ReachabilityProvider above it");
  return reachability;
}

/** Calls back when the server, after it was away, responds again. */
export function useReturn(act: () => void): void {
  const reachability = useReachability();
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => onReturn(reachability, () => latest.current()), [reachability]);
}

/** Calls back at each change from "away" to "there". */
export function onReturn(reachability: Reachability, act: () => void): () => void {
  let wasAway = !reachability.get().reachable;
  return reachability.subscribe(() => {
    const { reachable } = reachability.get();
    if (reachable && wasAway) act();
    wasAway = !reachable;
  });
}
