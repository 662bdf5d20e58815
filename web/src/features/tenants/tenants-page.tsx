import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import type { Tenant } from "#gen/postrider/v1/tenant_pb";
import { readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { Button } from "@/ui/button";
import { Actions, Dialog } from "@/ui/dialog";
import { Field, FormFaults, formClass, Input, Select } from "@/ui/field";
import { Page } from "@/ui/page";
import { moveRowFocus, useShortcuts } from "@/ui/shortcuts";
import { EmptyState, ErrorState, Notice, Skeleton } from "@/ui/states";
import { tableClass } from "@/ui/table";
import { Instant } from "@/ui/time";
import { useCreateTenant, useTenants, useUpdateTenant } from "./queries";

export function TenantsPage() {
  const { isAdmin, isServerScoped } = useAccess();
  const query = useTenants();
  const [creating, setCreating] = useState(false);
  useShortcuts({ j: () => moveRowFocus(1), k: () => moveRowFocus(-1) });
  const tenants = query.data?.pages.flatMap((page) => page.tenants) ?? [];
  return (
    <Page
      title="Tenants"
      actions={
        isAdmin &&
        isServerScoped && (
          <Button kind="main" icon="plus" onClick={() => setCreating(true)}>
            New tenant
          </Button>
        )
      }
    >
      {query.isPending && <Skeleton rows={3} label="Loading tenants" />}
      {query.isError && !query.data && (
        <ErrorState
          title="Tenants could not be loaded"
          cause={query.error}
          onRetry={() => void query.refetch()}
        />
      )}
      {query.data && tenants.length === 0 && (
        <EmptyState title="No tenants">
          <p>
            Every event, subscription and key belongs to a tenant. A new server has one,{" "}
            <code>default</code>.
          </p>
        </EmptyState>
      )}
      {tenants.length > 0 && <TenantTable tenants={tenants} />}
      {query.hasNextPage && (
        <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          Load more
        </Button>
      )}
      {creating && <CreateDialog onClose={() => setCreating(false)} />}
    </Page>
  );
}

function TenantTable({ tenants }: { tenants: Tenant[] }) {
  return (
    <table className={tableClass}>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Display name</th>
          <th scope="col">Events without a schema</th>
          <th scope="col">Created</th>
        </tr>
      </thead>
      <tbody>
        {tenants.map((tenant) => (
          <tr key={tenant.name}>
            <th scope="row">
              <Link to="/events" search={{ tenant: tenant.name }} data-row={tenant.name}>
                {tenant.name}
              </Link>
            </th>
            <td data-label="Display name" data-text>
              {tenant.displayName}
            </td>
            <td data-label="Events without a schema">
              <UntypedEvents tenant={tenant} />
            </td>
            <td data-label="Created">
              <Instant time={tenant.createTime} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Whether a tenant takes events whose type has no schema. */
function UntypedEvents({ tenant }: { tenant: Tenant }) {
  const { isAdmin } = useAccess();
  const update = useUpdateTenant();
  if (!isAdmin) return tenant.typedOnly ? "refused" : "accepted";
  const choose = (typedOnly: boolean) =>
    update.mutate({
      tenant: { name: tenant.name, typedOnly },
      updateMask: { paths: ["typed_only"] },
    });
  return (
    <>
      <Select
        aria-label={`Events without a schema in ${tenant.name}`}
        disabled={update.isPending}
        value={tenant.typedOnly ? "refused" : "accepted"}
        onChange={(event) => choose(event.target.value === "refused")}
      >
        <option>accepted</option>
        <option>refused</option>
      </Select>
      {update.isError && <Notice tone="bad">{readFault(update.error).message}</Notice>}
    </>
  );
}

const paths = ["tenant.name", "tenant.display_name"];

function CreateDialog({ onClose }: { onClose: () => void }) {
  const create = useCreateTenant();
  const [name, setName] = useState("");
  const [displayName, setDisplayName] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const tenant = { name: name.trim(), displayName: displayName.trim() };
    create.mutate({ tenant }, { onSuccess: onClose });
  };
  return (
    <Dialog title="New tenant" onClose={onClose}>
      <form className={formClass} onSubmit={submit} noValidate>
        <FormFaults fault={create.error ? readFault(create.error) : undefined} paths={paths}>
          <Field
            label="Name"
            path="tenant.name"
            hint="Identifies the tenant in requests: lower-case letters, digits and “-”. It cannot be changed."
          >
            {(control) => (
              <Input
                {...control}
                mono
                required
                value={name}
                onChange={(e) => setName(e.target.value)}
              />
            )}
          </Field>
          <Field label="Display name" path="tenant.display_name">
            {(control) => (
              <Input
                {...control}
                value={displayName}
                onChange={(e) => setDisplayName(e.target.value)}
              />
            )}
          </Field>
        </FormFaults>
        <Actions>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="main" type="submit" busy={create.isPending}>
            Create tenant
          </Button>
        </Actions>
      </form>
    </Dialog>
  );
}
