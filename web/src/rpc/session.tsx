import { createContext, type ReactNode, useContext } from "react";
import { ApiKeyScope } from "#gen/postrider/v1/api_key_pb";
import type { Session } from "#gen/postrider/v1/session_pb";

/** The signed-in caller, and the selected tenant. */
export interface Access {
  session: Session;
  /** The tenant for requests; empty means the key's own. */
  tenant: string;
  /** May change things, not only read them. */
  isAdmin: boolean;
  /** May go from tenant to tenant. */
  isServerScoped: boolean;
}

const AccessContext = createContext<Access | undefined>(undefined);

export function AccessProvider(props: { session: Session; tenant: string; children: ReactNode }) {
  const { session, tenant, children } = props;
  const access: Access = {
    session,
    tenant,
    isAdmin: session.scopes.includes(ApiKeyScope.ADMIN),
    isServerScoped: session.tenant === "",
  };
  return <AccessContext value={access}>{children}</AccessContext>;
}

export function useAccess(): Access {
  const access = useContext(AccessContext);
  if (!access) throw new Error("useAccess needs an AccessProvider above it");
  return access;
}

/** Who the caller is. The name of a key is unique in its tenant, also after the key was revoked. */
export function ownerOf({ tenant, keyName }: Session): string {
  return `${tenant}/${keyName}`;
}
