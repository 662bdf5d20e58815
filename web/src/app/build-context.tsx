import { createContext, useContext } from "react";
import type { Build } from "./build";

const BuildContext = createContext<Build | undefined>(undefined);

export const BuildProvider = BuildContext;

export function useBuild(): Build {
  const build = useContext(BuildContext);
  if (!build) throw new Error("useBuild needs a BuildProvider above it");
  return build;
}
