import { Link, useNavigate } from "@tanstack/react-router";
import { ErrorReason } from "#gen/postrider/v1/error_pb";
import type { Subscription } from "#gen/postrider/v1/subscription_pb";
import { useDropDraft } from "@/rpc/draft";
import { type Fault, readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { buttonClass } from "@/ui/button";
import { Page } from "@/ui/page";
import { ErrorState, Skeleton } from "@/ui/states";
import { createRequest, emptyForm, formOf, updateRequest } from "./form-state";
import { useCreateSubscription, useSubscriptionToEdit, useUpdateSubscription } from "./queries";
import { SubscriptionForm } from "./subscription-form";

const newDraft = "new subscription";

export function NewSubscriptionPage() {
  const drop = useDropDraft(newDraft);
  const { tenant } = useAccess();
  const navigate = useNavigate();
  const create = useCreateSubscription();
  return (
    <Page title="New subscription">
      <SubscriptionForm
        draft={newDraft}
        initial={emptyForm}
        isNew
        busy={create.isPending}
        fault={create.error ? nameFault(create.error) : undefined}
        onSubmit={(form) =>
          create.mutate(createRequest(form, tenant), {
            onSuccess: ({ subscription }) => {
              drop();
              void navigate({
                to: "/subscriptions/$subscriptionId",
                params: { subscriptionId: subscription?.id ?? "" },
                search: keepTenant,
              });
            },
          })
        }
        cancel={
          <Link
            to="/subscriptions"
            search={keepTenant}
            className={buttonClass("quiet")}
            onClick={drop}
          >
            Cancel
          </Link>
        }
      />
    </Page>
  );
}

export function EditSubscriptionPage({ id }: { id: string }) {
  const query = useSubscriptionToEdit(id);
  const subscription = query.data?.subscription;
  return (
    <Page title={subscription ? `Edit ${subscription.name}` : "Edit"}>
      {query.isPending && <Skeleton rows={6} label="Loading the subscription" />}
      {query.isError && !subscription && (
        <ErrorState
          title="The subscription could not be loaded"
          cause={query.error}
          onRetry={() => void query.refetch()}
        />
      )}
      {subscription && <EditForm key={String(subscription.revision)} subscription={subscription} />}
    </Page>
  );
}

function EditForm({ subscription }: { subscription: Subscription }) {
  const { tenant } = useAccess();
  const navigate = useNavigate();
  const update = useUpdateSubscription();
  const params = { subscriptionId: subscription.id };
  const draft = `subscription ${subscription.id} ${subscription.revision}`;
  const drop = useDropDraft(draft);
  return (
    <SubscriptionForm
      draft={draft}
      initial={formOf(subscription)}
      isNew={false}
      busy={update.isPending}
      fault={update.error ? nameFault(update.error) : undefined}
      onSubmit={(form) =>
        update.mutate(updateRequest(form, tenant, subscription), {
          onSuccess: () => {
            drop();
            void navigate({ to: "/subscriptions/$subscriptionId", params, search: keepTenant });
          },
        })
      }
      cancel={
        <Link
          to="/subscriptions/$subscriptionId"
          params={params}
          search={keepTenant}
          className={buttonClass("quiet")}
          onClick={drop}
        >
          Cancel
        </Link>
      }
    />
  );
}

function keepTenant({ tenant }: { tenant?: string }) {
  return { tenant };
}

/** A taken name is a fault of the name field, also when the server does not say which field it is. */
function nameFault(cause: unknown): Fault {
  const fault = readFault(cause);
  if (fault.reason !== ErrorReason.NAME_TAKEN || fault.fields.length > 0) return fault;
  return { ...fault, fields: [{ path: "subscription.name", message: fault.message }] };
}
