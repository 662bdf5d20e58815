import { createContext, type ReactNode, useContext } from "react";
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
