import { useState } from "react";
import type { ApiKey } from "#gen/postrider/v1/api_key_pb";
import { readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Actions, Dialog } from "@/ui/dialog";
import { Page } from "@/ui/page";
import { EmptyState, ErrorState, Notice, Skeleton } from "@/ui/states";
import { tableClass } from "@/ui/table";
import { Ago, Instant } from "@/ui/time";
import { CreateKeyDialog } from "./create-key-dialog";
import { useApiKeys, useRevokeApiKey } from "./queries";
import { permissionName } from "./scopes";

type Open = { kind: "create" } | { kind: "revoke"; key: ApiKey };

export function ApiKeysPage() {
  const { isAdmin } = useAccess();
  const query = useApiKeys();
  const [open, setOpen] = useState<Open>();
  const keys = query.data?.pages.flatMap((page) => page.apiKeys) ?? [];
  return (
    <Page
      title="API keys"
      actions={
        isAdmin && (
          <Button kind="main" icon="plus" onClick={() => setOpen({ kind: "create" })}>
            New key
          </Button>
        )
      }
    >
      {query.isPending && <Skeleton rows={3} label="Loading API keys" />}
      {query.isError && !query.data && (
        <ErrorState
          title="API keys could not be loaded"
          cause={query.error}
          onRetry={() => void query.refetch()}
        />
      )}
      {query.data && keys.length === 0 && (
        <EmptyState title="No keys yet">
          <p>
            Programs sign in with a key. One that sends events needs the permission Publish, one
            that receives them Read and subscribe. Give each program a key of its own, so that one
            can be revoked without the others.
          </p>
        </EmptyState>
      )}
      {keys.length > 0 && (
        <KeyTable
          keys={keys}
          onRevoke={isAdmin ? (key) => setOpen({ kind: "revoke", key }) : undefined}
        />
      )}
      {query.hasNextPage && (
        <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          Load more
        </Button>
      )}
      {open?.kind === "create" && <CreateKeyDialog onClose={() => setOpen(undefined)} />}
      {open?.kind === "revoke" && (
        <RevokeDialog apiKey={open.key} onClose={() => setOpen(undefined)} />
      )}
    </Page>
  );
}

function KeyTable({
  keys,
  onRevoke,
}: {
  keys: ApiKey[];
  onRevoke: ((key: ApiKey) => void) | undefined;
}) {
  return (
    <table className={tableClass}>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">State</th>
          <th scope="col">Starts with</th>
          <th scope="col">Permissions</th>
          <th scope="col">Tenant</th>
          <th scope="col">Created</th>
          <th scope="col">
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {keys.map((key) => (
          <tr key={key.id}>
            <th scope="row">{key.name}</th>
            <td data-label="State">
              <KeyState apiKey={key} />
            </td>
            <td data-label="Starts with">
              <code>{key.hint}…</code>
            </td>
            <td data-label="Permissions" data-text>
              {key.scopes.map((scope) => permissionName[scope]).join(", ")}
            </td>
            <td data-label="Tenant" data-text>
              {key.tenant || "Every tenant"}
            </td>
            <td data-label="Created" data-text>
              <Instant time={key.createTime} />
            </td>
            <td>
              {onRevoke && !key.revokeTime && (
                <Button
                  kind="danger"
                  aria-label={`Revoke ${key.name}`}
                  onClick={() => onRevoke(key)}
                >
                  Revoke
                </Button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function KeyState({ apiKey }: { apiKey: ApiKey }) {
  if (!apiKey.revokeTime) {
    return (
      <Badge
        status={{
          tone: "good",
          label: "Active",
          hint: "Valid until it is revoked: keys do not expire.",
        }}
      />
    );
  }
  return (
    <>
      <Badge status={{ tone: "idle", label: "Revoked", hint: "Can no longer be used." }} />{" "}
      <Ago time={apiKey.revokeTime} />
    </>
  );
}

function RevokeDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const revoke = useRevokeApiKey();
  return (
    <Dialog title={`Revoke ${apiKey.name}?`} onClose={onClose}>
      <p>
        Within a second every program that uses this key is refused, and its live streams end. Its
        events stay stored, and subscriptions go on.
      </p>
      <p>This cannot be undone. To let the program in again, create a new key.</p>
      {revoke.isError && <Notice tone="bad">{readFault(revoke.error).message}</Notice>}
      <Actions>
        <Button onClick={onClose}>Keep it</Button>
        <Button
          kind="danger"
          busy={revoke.isPending}
          onClick={() => revoke.mutate({ id: apiKey.id }, { onSuccess: onClose })}
        >
          Revoke
        </Button>
      </Actions>
    </Dialog>
  );
}
